#!/usr/bin/env bash
# Finds the program that the action runs, and writes its path to the step's outputs.
#
# It is what the input `binary` names, or a released one with the digest that `digests` beside this file has for this
# kind of runner: whoever pins the action by its commit has pinned the program. Nothing is ever built here.
# A program that cannot be had or trusted ends the step with status 2.
# shellcheck disable=SC2016 # backquotes stand around inputs
set -euo pipefail
export LC_ALL=C

# 1 would say that there are findings.
trap '[[ $? -eq 0 ]] || exit 2' EXIT

# Says why there is no program; a text of others must not get in here, since the runner obeys lines.
refuse() {
  printf '::error title=cargo weft::%s\n' "$1"
  exit 2
}

main() {
  leave_checkout
  case ${WEFT_INPUT_OFFLINE:-} in
    '' | false | true) ;;
    *) refuse 'the input `offline` is neither `true` nor `false`' ;;
  esac
  local program
  if [[ -n ${WEFT_INPUT_BINARY:-} ]]; then
    named
  elif [[ ${WEFT_INPUT_OFFLINE:-} = true ]]; then
    refuse 'nothing is downloaded with `offline: true`; name the program: `binary:`'
  else
    released
  fi
  # Bash would say 1 of a program that this machine cannot start, as the program says of findings.
  "$program" --version >/dev/null 2>&1 || (($? != 126 && $? != 127)) \
    || refuse 'the program does not start on this machine; name one that does: `binary:`'
  printf 'binary=%s\n' "$program" >>"$GITHUB_OUTPUT"
}

# Takes off PATH what a pull request could have filled: an earlier step may have put a directory of the checkout there.
leave_checkout() {
  local entry real workspace kept='' entries
  workspace=$(cd -P "${GITHUB_WORKSPACE:-/nowhere}" 2>/dev/null && pwd -P) || return 0
  IFS=: read -ra entries <<<"$PATH"
  for entry in ${entries[@]+"${entries[@]}"}; do
    real=$(cd -P "$entry" 2>/dev/null && pwd -P) || continue
    [[ $entry = /* && $real/ != "$workspace"/* ]] || continue
    kept+=${kept:+:}$entry
  done
  PATH=$kept
}

# Takes the program that the workflow names, unless the checkout has a say in which that is.
named() {
  [[ -d ${GITHUB_WORKSPACE:-} ]] || refuse 'GITHUB_WORKSPACE is no directory, so what is inside of it is unknown'
  program=$WEFT_INPUT_BINARY
  [[ ${RUNNER_OS:-} != Windows ]] || program=$(cygpath --unix "$program")
  [[ $program = /* ]] || refuse 'the input `binary` is no absolute path, and steps start in the workspace'
  local seen=0
  demand_outside "$program"
  [[ -f $program && -x $program ]] || refuse 'the input `binary` names no program: a file that may be executed'
  program=$(realpath "$program")
}

# Refuses a path that passes the workspace, by whichever name and link: a pull request could choose where it leads.
demand_outside() {
  local at=$1 to
  [[ $at != *[[:cntrl:]]* ]] || refuse 'the input `binary` has a control character in its path'
  ((++seen <= 100)) || refuse 'the input `binary` names links that lead to each other'
  while [[ $at != "$(dirname "$at")" ]]; do
    if [[ -L $at ]]; then
      to=$(readlink "$at")
      [[ $to = /* ]] || to=$(dirname "$at")/$to
      demand_outside "$to"
    fi
    at=$(dirname "$at")
    [[ ! $at -ef $GITHUB_WORKSPACE ]] \
      || refuse 'the input `binary` names a program by way of the workspace, where a pull request could put its own; keep it elsewhere'
  done
}

# Downloads the released program for this kind of runner.
released() {
  local target suffix=
  case ${RUNNER_OS:-}-${RUNNER_ARCH:-} in
    Linux-X64) target=linux-x64 ;;
    Linux-ARM64) target=linux-arm64 ;;
    macOS-X64) target=macos-x64 ;;
    macOS-ARM64) target=macos-arm64 ;;
    Windows-X64) target=windows-x64 suffix=.exe ;;
    *) refuse 'no program is released for this kind of runner; name one: `binary:`' ;;
  esac
  local digest url
  find_digest "$target"
  local directory
  directory=$(mktemp -d "${RUNNER_TEMP:?}/weft.XXXXXXXX")
  program=$directory/weft-action$suffix
  curl --disable --globoff --proto '=https' --tlsv1.2 --fail --location --silent --show-error \
    --connect-timeout 20 --max-time 120 --retry 3 --retry-max-time 240 --max-filesize 200000000 \
    --output "$program" --url "$url" 2>"$directory/said" \
    || refuse "the program for $target was not downloaded: $(harmless <"$directory/said"); name one: \`binary:\`"
  [[ $(sha256 <"$program") = "$digest" ]] \
    || refuse "the program that was downloaded for $target has not the digest that this commit of the action names, so it is not run; name one: \`binary:\`"
  chmod 700 "$program"
}

# Reads the digest and the URL of a target, which has one line and no other.
find_digest() {
  local name sum place rest
  digest='' url=''
  while read -r name sum place rest; do
    [[ $name = "$1" ]] || continue
    [[ -z $digest && $sum =~ ^[0-9a-f]{64}$ && $place =~ ^https://[!-~]+$ && -z $rest ]] \
      || refuse "action/digests has a faulty line for $1; name a program: \`binary:\`"
    digest=$sum url=$place
  done <"${BASH_SOURCE[0]%/*}/digests"
  [[ -n $digest ]] || refuse "this commit of the action has no released program for $1; name one: \`binary:\`"
}

sha256() {
  local sum
  if command -v sha256sum >/dev/null; then
    sum=$(sha256sum)
  else
    sum=$(shasum -a 256)
  fi
  printf '%s' "${sum%% *}"
}

# Leaves of a text what cannot be a command to the runner.
harmless() {
  tr -c 'A-Za-z0-9 .,()/_-' ' ' | head -c 300
}

main
