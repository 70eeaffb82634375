# How many waits of which length ended when.
#
# $data   one block of  time length number . half-width factor: a cell is time -+ half-width wide and
#         length / factor to length * factor high
# TOP     the largest number; shades are logarithmic

array SHADE[10] = ['.', ':', '-', '=', '+', 'o', '*', '#', '%', '@']
shade(v) = v > 0 ? SHADE[1 + int(9.999 * log(v + 1) / log(TOP + 1.0001))] : '' # NaN: a panel without waits
if (FORM eq 'txt') {
    plot $data index 0 using 1:2:(shade($3)) with labels
} else {
    set palette defined (0 '#e8f0f8', 0.35 '#56b4e9', 0.7 '#0072b2', 1 '#000000')
    set cbrange [1:(TOP > 1 ? TOP : 2)]
    set logscale cb 10
    set format cb '%.0s%c'
    plot $data index 0 using 1:2:($1 - $5):($1 + $5):($2 / $6):($2 * $6):3 with boxxyerror fc palette fs solid noborder
    unset logscale cb
}
