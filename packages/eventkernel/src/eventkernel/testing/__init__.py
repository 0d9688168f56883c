"""What tests of services and adapters share."""
