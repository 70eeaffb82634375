# Distributions: the share of operations that took longer, with the interval of the time.
#
# $data   blocks of  time share . . low high, one per series
# N MARK[]  series and their letters in a text figure

if (FORM eq 'txt') {
    plot for [i=1:N] $data index (i - 1) using 1:2 with points pt MARK[i]
} else {
    plot for [i=1:N] $data index (i - 1) using 1:2:5:6 with xerrorbars lc rgb colour(i) pt 0 lw 0.7, \
         for [i=1:N] $data index (i - 1) using 1:2 with linespoints ls i pi 12
}
