# What all figures share: terminal, colours, dashes, points and patterns. Okabe and Ito's colours without
# the yellow, which vanishes on white; dash, point and pattern vary with the colour, so that a grey
# print and every eye can tell series apart.
#
# FORM  png, svg, pdf or txt   OUT  the file   TITLE  of the whole   W H  pixels   LINES  of a text

if (FORM eq 'png') set terminal pngcairo noenhanced font 'sans,11' size W, H
if (FORM eq 'svg') set terminal svg noenhanced font 'sans,14' size W, H background rgb 'white'
if (FORM eq 'pdf') set terminal pdfcairo noenhanced font 'sans,9' size W / 133.0, H / 133.0
if (FORM eq 'txt') set terminal dumb noenhanced mono size 72, LINES
set output OUT
set encoding utf8
array COLOUR[7] = ['#000000', '#0072b2', '#d55e00', '#009e73', '#cc79a7', '#56b4e9', '#e69f00']
array POINT[7] = [7, 5, 9, 13, 11, 4, 6]
array FILL[7] = [3, 2, 4, 1, 5, 6, 7]
colour(i) = COLOUR[1 + (i - 1) % 7]
fill(i) = FILL[1 + ((i - 1) + (i - 1) / 7) % 7]
do for [i=1:28] {
    set style line i lc rgb colour(i) dt 1 + (i - 1) % 5 pt POINT[1 + (i - 1 + (i - 1) / 7) % 7] lw 1.6 ps 0.8
}
rep(c, n) = n < 1 ? '' : n > 200 ? rep(c, 200) : c . rep(c, n - 1)
unset key
if (FORM eq 'txt') {
    set border 15
    set tics in nomirror scale 0
    set errorbars 0
} else {
    set border 3
    set tics out nomirror
    set errorbars 0.6
    set multiplot title TITLE font ',12'
}
