#!/bin/bash
# Stands for certbot where Let's Encrypt can't come: it asks over HTTP for what it put into the folder of the web server, as Let's Encrypt does
# (RFC 8555, section 8.3), and has an authority of the test's own sign.
set -euo pipefail
hook=true
while [ $# -gt 0 ]; do
  case $1 in
    -w) web=$2; shift ;;
    -d) host=$2; shift ;;
    --deploy-hook) hook=$2; shift ;;
  esac
  shift
done
token=$(openssl rand -hex 16)
mkdir -p "$web/.well-known/acme-challenge"
echo "proof-$token" >"$web/.well-known/acme-challenge/$token"
exec 3<>"/dev/tcp/$host/80"
printf 'GET /.well-known/acme-challenge/%s HTTP/1.0\r\nHost: %s\r\n\r\n' "$token" "$host" >&3
answer=$(timeout 10 cat <&3)
case $answer in *"proof-$token"*) ;; *) echo "certbot: the challenge was not answered: ${answer%%$'\n'*}" >&2; exit 1 ;; esac
live=/etc/letsencrypt/live/$host
mkdir -p "$live"
openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "/CN=$host" -keyout "$live/privkey.pem" -out /tmp/request.pem 2>/dev/null
openssl x509 -req -in /tmp/request.pem -CA /etc/test-authority/ca.pem -CAkey /etc/test-authority/ca.key -CAcreateserial -days 2 \
  -extfile <(printf 'subjectAltName=DNS:%s\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n' "$host") -out "$live/cert.pem" 2>/dev/null
cat "$live/cert.pem" /etc/test-authority/ca.pem >"$live/fullchain.pem"
bash -c "$hook"
