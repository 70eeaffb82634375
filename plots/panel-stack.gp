# Bars made of parts, and the whole as a number behind each.
#
# $data   blocks of  row end . . begin end, one per part; the last block is  row whole low high . .
#         "number", of the bars
# $rows   row "letters of the parts, and the number", for a text figure
# N       parts

if (FORM eq 'txt') {
    plot $rows using (0):1:2 with labels left
} else {
    plot for [i=1:N] $data index (i - 1) using 5:1:5:6:($1 - 0.36):($1 + 0.36) with boxxyerror lc rgb colour(i) fs pattern fill(i), \
         $data index N using 2:1:3:4 with xerrorbars pt 0 lc rgb 'black' lw 1.4, \
         $data index N using ($4 > $2 ? $4 : $2):1:7 with labels left offset 0.7, 0
}
