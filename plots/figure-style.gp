# What all figures share: terminal, colours, dashes and points. Okabe and Ito's colours without the
# yellow, which vanishes on white; dash and point vary with the colour, so that a grey print and every
# eye can tell the lines apart.
#
# FORM  png, svg, pdf or txt      OUT  the file      ROWS  lines below the plot, for the key

if (FORM eq 'png') set terminal pngcairo noenhanced font 'sans,11' size 960, 600 + 20 * ROWS
if (FORM eq 'svg') set terminal svg noenhanced font 'sans,14' size 960, 600 + 20 * ROWS background rgb 'white'
if (FORM eq 'pdf') set terminal pdfcairo noenhanced font 'sans,9' size 7.2, 4.5 + 0.17 * ROWS
if (FORM eq 'txt') set terminal dumb noenhanced mono size 72, 22 + ROWS
set output OUT
set encoding utf8

array COLOUR[7] = ['#000000', '#0072b2', '#d55e00', '#009e73', '#cc79a7', '#56b4e9', '#e69f00']
array POINT[7] = [7, 5, 9, 13, 11, 4, 6]
do for [i=1:28] {
    set style line i lc rgb COLOUR[1 + (i - 1) % 7] dt 1 + (i - 1) % 5 pt POINT[1 + (i - 1) % 7] lw 1.6 ps 0.9
}
if (FORM eq 'txt') {
    set border 15
    set tics in nomirror scale 0
    set errorbars 0
} else {
    set border 3
    set bmargin 4.5 + 1.3 * ROWS
    set tics out nomirror
    set grid ytics lc rgb '#dddddd' lt 1 lw 0.5
    set errorbars 0.7
    set ylabel YLABEL
}
set title TITLE
set xlabel XLABEL
KEY = "set key at screen 0.5, screen 0.015 bottom center horizontal Left reverse maxcols KEYCOLS samplen 4 spacing 1.1 width 1"
