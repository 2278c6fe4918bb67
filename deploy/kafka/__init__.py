"""A real Apache Kafka server without Docker: jars by Maven, one KRaft node, one data folder."""
