#!/usr/bin/env bash
# Takes the pieces that pack.mjs made, in as many parts as they come, and when all are there checks and unpacks them and
# runs the tests and benchmarks:
#
#   bash receive.sh --from DIR [--from DIR ...] --into DIR [-- arguments of run.mjs]
#
# Exit code 3: pieces are missing yet; call again when more have come.
set -euo pipefail

fail() { echo "receive.sh: $*" >&2; exit 1; }
from=() into=
while (($#)); do
  case $1 in
    --from) from+=("${2:?--from wants a folder}"); shift 2 ;;
    --into) into=${2:?--into wants a folder}; shift 2 ;;
    --) shift; break ;;
    *) fail "'$1' is not --from DIR, --into DIR or --" ;;
  esac
done
[[ -n $into ]] || fail '--into DIR is wanted: the folder to unpack into'

mkdir -p "$into/pieces" "$into/unpacked"
into=$(cd "$into" && pwd)
pieces=$into/pieces
for dir in "${from[@]}"; do
  [[ -d $dir ]] || fail "--from $dir is not a folder"
  for piece in "$dir"/*; do
    target=$pieces/${piece##*/}
    [[ $piece -ef $target ]] || cp "$piece" "$target"
  done
done
sums=$pieces/SHA256SUMS
[[ -f $sums ]] || { echo 'SHA256SUMS has not come yet'; exit 3; }

missing=()
while read -r _ name; do [[ -f $pieces/$name ]] || missing+=("$name"); done < "$sums"
if ((${#missing[@]})); then
  echo "${#missing[@]} of $(wc -l < "$sums") pieces are missing yet: ${missing[*]}"
  exit 3
fi
(cd "$pieces" && sha256sum --check --quiet SHA256SUMS) ||
  fail 'the pieces named above are not those that were packed: send them again'

while read -r archive; do
  done=$into/unpacked/$archive
  [[ -e $done ]] && continue
  case $archive in
    *.xz) unpack=(xz --decompress --stdout) ;;
    *.zst) unpack=(zstd --decompress --stdout --quiet) ;;
    *) fail "$archive is packed by a program unknown here" ;;
  esac
  folder=$into/${archive%%.*}
  mkdir -p "$folder"
  cat "$pieces/$archive".[0-9][0-9][0-9][0-9] | "${unpack[@]}" | tar --extract --file=- --no-same-owner --directory="$folder"
  touch "$done"
  echo "unpacked $archive"
done < <(sed -E 's/^[0-9a-f]+  (.*)\.[0-9]{4}$/\1/' "$sums" | sort -u)

exec "$into/node/node" "$into/code/scripts/gpu/run.mjs" --library "$into/library/$(cat "$pieces/library-folder")" "$@"
