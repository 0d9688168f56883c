"""Event sourcing on MongoDB and Kafka, driven by what protobuf contracts say about themselves. It knows nothing of any domain."""
