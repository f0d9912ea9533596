"""The vendors, played from their documents over real sockets."""
