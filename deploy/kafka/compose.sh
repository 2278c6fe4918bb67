# Starts Kafka in docker-compose.yml: settings from the shipped files, a log-in for every client.
# It needs KAFKA_USER and KAFKA_PASSWORD, of .secrets/kafka.env. CONF, DATA and HOST are for tests.
set -euo pipefail
: "${KAFKA_USER:?make the secrets first: laurel secrets}" "${KAFKA_PASSWORD:?}"
here=$(dirname "$0")
umask 077
conf=${CONF:-/tmp/server.properties}
data=${DATA:-/var/lib/kafka/data}
sed -e "s/{port}/${PORT:-9092}/g" -e "s/{controller_port}/${CONTROLLER_PORT:-9093}/g" \
    -e "s|{data}|$data|g" -e "s/{listen}/0.0.0.0/g" -e "s/{host}/${HOST:-kafka}/g" \
    -e "s/{user}/$KAFKA_USER/g" -e "s/{password}/$KAFKA_PASSWORD/g" \
    "$here/server.properties" "$here/login.properties" > "$conf"
bin=${BIN:-/opt/kafka/bin}
"$bin/kafka-storage.sh" format --ignore-formatted --cluster-id laurel-laurel-laurel-A \
    --config "$conf" --add-scram "SCRAM-SHA-512=[name=$KAFKA_USER,password=$KAFKA_PASSWORD]"
exec "$bin/kafka-server-start.sh" "$conf"
