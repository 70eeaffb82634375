# Holders and waiters over time.
#
# $data   blocks of  time number, one per series
# N MARK[]  series and their letters in a text figure

if (FORM eq 'txt') {
    plot for [i=1:N] $data index (i - 1) using 1:2 with points pt MARK[i]
} else {
    plot for [i=1:N] $data index (i - 1) using 1:2 with histeps ls i lw 2 dt 1
}
