# rsyslog with its output to Kafka, as Debian has them.
FROM debian:bookworm-slim
RUN apt-get update \
 && apt-get install -y --no-install-recommends rsyslog rsyslog-kafka \
 && rm -rf /var/lib/apt/lists/*
