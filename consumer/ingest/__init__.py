"""The door for systems that speak HTTP: alerts by POST become events on the events topic.

`door` is what is asked in which order, `parts` what becomes of a body, `writer` how Kafka gets
it. Nothing is answered with 200 before Kafka has acknowledged it.
"""
