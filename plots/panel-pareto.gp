# A point for each result with intervals both ways; the last series is the staircase of those that no
# other beats in both.
#
# $data   blocks of  x y ylow yhigh xlow xhigh, one per series
# N MARK[]  series and their letters in a text figure

if (FORM eq 'txt') {
    plot for [i=1:N-1] $data index (i - 1) using 1:2 with points pt MARK[i]
} else {
    plot $data index (N - 1) using 1:2 with lines lc rgb '#888888' dt 2 lw 1.2, \
         for [i=1:N-1] $data index (i - 1) using 1:2:5:6:3:4 with xyerrorbars lc rgb colour(i) pt 0 lw 1.2, \
         for [i=1:N-1] $data index (i - 1) using 1:2 with points ls i ps 1.2
}
