#!/bin/sh
# Makes LANGUAGE/safe-harbour.wav from LANGUAGE/safe-harbour.txt: 8 kHz, 16 bit, mono, as a telephone hears it.
# Needs espeak-ng and sox (Debian: apt install espeak-ng sox). Usage: ./make_sounds.sh [LANGUAGE...]
#
# The text names no company on purpose. Before calling real people, record your own that says who called and on
# which number to call back, and name it in the campaign's "message".
set -eu
cd "$(dirname "$0")"
for tool in espeak-ng sox; do
    command -v "$tool" >/dev/null || { echo "make_sounds.sh: $tool is missing; install espeak-ng and sox" >&2; exit 1; }
done
[ $# -gt 0 ] || set -- en
for language in "$@"; do
    raw=$(mktemp --suffix=.wav)
    trap 'rm -f "$raw"' EXIT
    espeak-ng -v "$language" -s 185 -f "$language/safe-harbour.txt" -w "$raw"
    # Telephone band, no silence at either end, peaks at -3 dB.
    sox -D "$raw" -r 8000 -c 1 -b 16 -e signed-integer "$language/safe-harbour.wav" \
        highpass 250 silence 1 0.05 0.5% reverse silence 1 0.05 0.5% reverse \
        silence 1 0 0.1% -1 0.35 0.5% rate 8000 gain -n -3
    rm -f "$raw"
    echo "$language/safe-harbour.wav: $(soxi -D "$language/safe-harbour.wav") s, $(wc -c < "$language/safe-harbour.wav") bytes"
done
