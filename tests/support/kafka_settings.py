"""How a broker of the tests is set up: small, quick to start, quick to notice who is gone."""

#: Small and quick to start: the C1 compiler only, no parallel collector on a shared machine.
JVM = ("-Xms256m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto")

PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller_port}
listeners=CLIENT://127.0.0.1:{port},SIDE://127.0.0.1:{side_port},CONTROLLER://127.0.0.1:{controller_port}
advertised.listeners=CLIENT://127.0.0.1:{port},SIDE://127.0.0.1:{side_advertised}
listener.security.protocol.map=CLIENT:PLAINTEXT,SIDE:PLAINTEXT,CONTROLLER:PLAINTEXT
inter.broker.listener.name=CLIENT
controller.listener.names=CONTROLLER
log.dirs={data}
# A killed broker may come back only when its session with the controller is over.
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=250
num.partitions=1
auto.create.topics.enable=false
offsets.topic.num.partitions=1
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.num.partitions=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
"""

LOG4J = """\
Configuration:
  status: error
  Appenders:
    File: {{name: file, fileName: "{log}", PatternLayout: {{pattern: "%d %p %c{{1}}: %m%n"}}}}
  Loggers:
    Root: {{level: warn, AppenderRef: {{ref: file}}}}
"""
