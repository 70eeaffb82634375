# One metric as bars with error bars: a bar per scheme, in groups when a parameter that is no number
# varies.
#
# $data          blocks of  x  mean  low  high, one per series
# N NAME[] MARK[] series, their names, and their letters in a text figure
# XMIN XMAX      range of x, with room at both ends
# WIDTH          of a bar               GROUPED  a key is needed

set boxwidth WIDTH
set xrange [XMIN:XMAX]
set yrange [0:*]
set offsets graph 0, graph 0, graph 0.05, graph 0
array PATTERN[7] = [2, 4, 5, 1, 6, 7, 0]
if (FORM eq 'txt') {
    set key off
    plot for [i=1:N] $data index (i - 1) using 1:2 with boxes lt -1, \
         for [i=1:N] '' index (i - 1) using 1:2:3:4 with yerrorbars lt 0 pt ' ', \
         for [i=1:N] '' index (i - 1) using 1:2 with points pt MARK[i]
} else {
    if (GROUPED) { eval KEY } else { set key off }
    plot for [i=1:N] $data index (i - 1) using 1:2 with boxes lc rgb COLOUR[1 + (i - 1) % 7] \
             fs pattern PATTERN[1 + (i - 1) % 7] title NAME[i], \
         for [i=1:N] '' index (i - 1) using 1:3:(0):($4 - $3) with vectors heads \
             size screen 0.005,90 lc rgb 'black' lw 1.4 notitle
}
unset output
