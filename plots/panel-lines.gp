# Lines with interval bands.
#
# $data   blocks of  x y low high, one per series; NaN: a gap
# $curve  blocks of  x y, a fitted curve per series (CURVE)
# N MARK[]  series and their letters in a text figure     ERRORS  few points: error bars too
# EVERY     a point mark at each so many points           JOIN    lines between the points

if (FORM eq 'txt') {
    if (CURVE) {
        plot for [i=1:N] $curve index (i - 1) using 1:2 with points pt '.', \
             for [i=1:N] $data index (i - 1) using 1:2 with points pt MARK[i]
    } else {
        plot for [i=1:N] $data index (i - 1) using 1:2:3:4 with yerrorbars lt 0 pt ' ', \
             for [i=1:N] $data index (i - 1) using 1:2 with points pt MARK[i]
    }
} else {
    if (CURVE) {
        plot for [i=1:N] $curve index (i - 1) using 1:2 with lines lc rgb colour(i) dt 1 + (i - 1) % 5 lw 1.4, \
             for [i=1:N] $data index (i - 1) using 1:2:3:4 with yerrorbars ls i dt 1 lw 1.2
    } else {
        plot for [i=1:N] $data index (i - 1) using 1:3:4 with filledcurves lc rgb colour(i) fs transparent solid 0.18 noborder, \
             for [i=1:N] $data index (i - 1) using 1:(ERRORS ? $2 : NaN):3:4 with yerrorbars lc rgb colour(i) pt 0 dt 1 lw 1.2, \
             for [i=1:N] $data index (i - 1) using 1:2 with linespoints ls i pi EVERY
    }
}
