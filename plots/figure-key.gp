# The key of all panels, below them.
#
# N NAME[]  series   KEY  how they are shown: lines, boxes or points   COLS  columns   KEYTOP  its place

unset border
unset tics
unset xlabel
unset ylabel
unset title
unset grid
unset logscale
unset arrow
unset label
unset colorbox
set size 1, 1
set origin 0, 0
set margins 0, 0, 0, 0
set xrange [0:1]
set yrange [0:1]
set key at screen 0.5, screen KEYTOP top center horizontal Left reverse maxcols COLS samplen 4 spacing 1.1 width 1
if (KEY eq 'lines') plot for [i=1:N] NaN with linespoints ls i title NAME[i]
if (KEY eq 'points') plot for [i=1:N-1] NaN with points ls i ps 1.2 title NAME[i], NaN with lines lc rgb '#888888' dt 2 title NAME[N]
if (KEY eq 'boxes') plot for [i=1:N] NaN with boxes lc rgb colour(i) fs pattern fill(i) title NAME[i]
