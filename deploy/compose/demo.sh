#!/bin/sh
# One command to the whole set: secrets that are made up once, images built, everything started.
#   deploy/compose/demo.sh            start, and say where to look
#   deploy/compose/demo.sh secrets    make the secrets alone
#   deploy/compose/demo.sh down       stop; with -v forget all data
set -eu
cd "$(dirname "$0")"

secret() {
  # The folder keeps others of this machine out; the file must be readable to the users inside the containers.
  if [ ! -s "secrets/$1" ]; then
    head -c 18 /dev/urandom | base64 | tr '+/' '-_' | tr -d '\n' >"secrets/$1"
    chmod 644 "secrets/$1"
  fi
}

secrets() {
  mkdir -p secrets
  chmod 700 secrets
  secret store-password
  secret reviewer-password
}

case "${1:-up}" in
  secrets) secrets ;;
  down) shift; docker compose down "$@" ;;
  up)
    secrets
    docker compose up --build --detach
    cat <<SAID

What was found:   http://127.0.0.1:8443/     as dora, with the password in deploy/compose/secrets/reviewer-password
Alerts:           http://127.0.0.1:9093/
Dashboards:       http://127.0.0.1:3000/
Prometheus:       http://127.0.0.1:9090/
The shop itself:  curl 'http://127.0.0.1:8080/newsletter/stop?mail=ada.wellenbrook@nordwind-shop.de'

Stop it: deploy/compose/demo.sh down -v
SAID
    ;;
  *) echo "demo.sh: there is no $1; say nothing, secrets or down" >&2; exit 2 ;;
esac
