"""Which candidate is put forward, before anybody looks at the test split."""
