"""How brokers of Apache Kafka are reached: addresses, TLS, SASL, told to each client in its own words."""
