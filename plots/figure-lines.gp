# One metric against a parameter, a line per scheme, with error bars.
#
# $data          blocks of  x  mean  low  high, one per series
# N NAME[] MARK[] series, their names, and their letters in a text figure
# XMIN XMAX      range of x, with room at both ends
# XLOG YLOG      logarithmic axes       YZERO  the y axis begins at 0

if (XLOG) set logscale x 2
if (YLOG) set logscale y 10
set xrange [XMIN:XMAX]
if (YZERO) set yrange [0:*]
if (!YLOG) set offsets graph 0, graph 0, graph 0.05, graph 0
if (FORM eq 'txt') {
    set key off
    plot for [i=1:N] $data index (i - 1) using 1:2:3:4 with yerrorbars lt 0 pt ' ', \
         for [i=1:N] '' index (i - 1) using 1:2 with points pt MARK[i]
} else {
    if (N > 1) { eval KEY } else { set key off }
    plot for [i=1:N] $data index (i - 1) using 1:2 with linespoints ls i title NAME[i], \
         for [i=1:N] '' index (i - 1) using 1:2:3:4 with yerrorbars ls i dt 1 lw 1.2 notitle
}
unset output
