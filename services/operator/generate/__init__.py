"""Documents made from the code: JSON Schemas, AsyncAPI, the gateway's OpenAPI, the map of the services in the README."""
