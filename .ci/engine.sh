# For .ci/run: a container engine, and what the image is built with. Every wait has an end.
INSTALL_WITHIN=240
ENGINE_WITHIN=60
ANSWER_WITHIN=20
PROBE_WITHIN=60

engine='' why='' scratch=$(mktemp -d)
APT=(apt-get -q -o Acquire::Retries=1 -o Acquire::http::Timeout=20 -o DPkg::Lock::Timeout=30)

# Only the engine that was started here is ended.
stop_engine() {
  if [ -n "$engine" ]; then
    kill "$engine" 2>/dev/null || true
    for _ in $(seq 30); do
      kill -0 "$engine" 2>/dev/null || break
      sleep 1
    done
    kill -KILL "$engine" 2>/dev/null || true
  fi
  rm -rf "$scratch"
}

# `because WHAT LOG`: what went wrong is the last that a program said.
because() {
  why="$1: $(tail -n 1 "$2" | cut -c 1-200)"
  return 1
}

# `said LOG SECONDS PROGRAM…`: runs a program with an end, what it says in a file.
said() {
  local log=$1 within=$2
  shift 2
  timeout --kill-after=10 "$within" "$@" >"$scratch/$log" 2>&1
}

answers() { said info "$ANSWER_WITHIN" docker info; }

update_lists() { said apt "$INSTALL_WITHIN" "${APT[@]}" update || because 'apt-get update failed' "$scratch/apt"; }

# The bases of the image are made of Debian packages, as deploy/image/base.ts fetches them.
has_packages() {
  if ! command -v apt-get >/dev/null || ! command -v dpkg-deb >/dev/null; then
    why='the bases of the image are made of Debian packages, and this is no Debian'
    return 1
  fi
  fetch_one || { update_lists && fetch_one; } || because 'no Debian package can be fetched' "$scratch/apt"
}
fetch_one() { (cd "$scratch" && said apt "$PROBE_WITHIN" "${APT[@]}" download netbase); }

install_engine() {
  local packages=(docker.io) package
  export DEBIAN_FRONTEND=noninteractive
  update_lists || return 1
  # Newer releases of Debian have the client and its builder apart.
  for package in docker-cli docker-buildx; do
    if apt-cache show "$package" >/dev/null 2>&1; then packages+=("$package"); fi
  done
  said apt "$INSTALL_WITHIN" "${APT[@]}" install --yes --no-install-recommends "${packages[@]}" ||
    because 'docker.io could not be installed' "$scratch/apt"
}

start_engine() {
  dockerd >"$scratch/dockerd" 2>&1 &
  engine=$!
  local until=$((SECONDS + ENGINE_WITHIN))
  while [ "$SECONDS" -lt "$until" ]; do
    answers && return
    kill -0 "$engine" 2>/dev/null || break
    sleep 1
  done
  because 'dockerd did not start' "$scratch/dockerd"
}

# An engine that answers may still be refused what a container needs: control groups, namespaces.
runs_containers() {
  local program=/bin/true library
  local files=("$program")
  while read -r library; do files+=("$library"); done < <(ldd "$program" | grep -o '/[^ ]*')
  tar -chf "$scratch/probe.tar" "${files[@]}" 2>/dev/null || true
  said probe "$PROBE_WITHIN" docker import "$scratch/probe.tar" dakia-probe:local &&
    said probe "$PROBE_WITHIN" docker run --rm --network host --memory 64m --cap-drop ALL --read-only dakia-probe:local "$program" ||
    because 'the engine runs no container' "$scratch/probe" || return 1
  docker image rm dakia-probe:local >/dev/null 2>&1 || true
}

# Whether the image can be built and run; `why` says why not.
have_engine() {
  has_packages || return 1
  if ! answers; then
    if [ "$(id -u)" != 0 ]; then
      why='no container engine answers, and only root may start one'
      return 1
    fi
    command -v dockerd >/dev/null || install_engine || return 1
    # Its package may have started it.
    answers || start_engine || return 1
  fi
  runs_containers
}
