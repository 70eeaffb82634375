# A bar for each result, its interval, and both as a number.
#
# $data   blocks of  row value low high . . "number", one per series
# N       series     LEFT  where bars begin     SPAN  letters that the longest bar of a text may have
# place(v)  v as a share of the x axis

if (FORM eq 'txt') {
    plot for [i=1:N] $data index (i - 1) using (LEFT):1:(rep('#', int(SPAN * place($2) + 0.5)) . ' ' . strcol(7)) with labels left
} else {
    plot for [i=1:N] $data index (i - 1) using 2:1:(LEFT):2:($1 - 0.36):($1 + 0.36) with boxxyerror lc rgb colour(i) fs pattern fill(i), \
         for [i=1:N] $data index (i - 1) using 2:1:3:4 with xerrorbars pt 0 lc rgb 'black' lw 1.4, \
         for [i=1:N] $data index (i - 1) using ($4 > $2 ? $4 : $2):1:7 with labels left offset 0.7, 0
}
