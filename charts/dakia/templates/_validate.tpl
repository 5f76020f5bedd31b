{{/* What a schema cannot say. Every message says what is wrong and what to set. */}}
{{- define "dakia.validate" -}}
{{- $v := .Values -}}
{{- if not $v.kafka.brokers }}{{ fail "kafka.brokers is not set: give the bootstrap servers, host:port separated by commas" }}{{ end -}}
{{- if not $v.postgres.existingSecret }}{{ fail "postgres.existingSecret is not set: name the Secret whose key postgres.urlKey holds postgres://user:password@host:5432/database" }}{{ end -}}
{{- if not $v.redis.existingSecret }}{{ fail "redis.existingSecret is not set: name the Secret whose key redis.urlKey holds redis://:password@host:6379" }}{{ end -}}
{{- if not $v.webhook.existingSecret }}{{ fail "webhook.existingSecret is not set: name the Secret whose key webhook.secretsKey holds the webhook secrets given to Razorpay, one a line" }}{{ end -}}
{{- $ingest := include "dakia.service" (dict "root" $ "name" "ingest") | fromYaml -}}
{{- if ge ($v.webhook.drainDelaySeconds | int) ($ingest.drainSeconds | int) }}{{ fail (printf "webhook.drainDelaySeconds %d is not less than the drainSeconds %d of ingest, of which it is a part" ($v.webhook.drainDelaySeconds | int) ($ingest.drainSeconds | int)) }}{{ end -}}
{{- if and (ne $v.kafka.sasl.mechanism "none") (not $v.kafka.sasl.existingSecret) }}{{ fail "kafka.sasl.existingSecret is not set: name the Secret with the user and the password of kafka.sasl.mechanism" }}{{ end -}}
{{- with $v.kafka.tls }}
{{- if and (or .caKey .certKey .keyKey) (not .existingSecret) }}{{ fail "kafka.tls.existingSecret is not set: name the Secret that has the keys caKey, certKey and keyKey" }}{{ end -}}
{{- if ne (empty .certKey) (empty .keyKey) }}{{ fail "kafka.tls.certKey and kafka.tls.keyKey go together: give both or neither" }}{{ end -}}
{{- if and .existingSecret (not .enabled) }}{{ fail "kafka.tls.existingSecret is set but kafka.tls.enabled is false: set it to true, or leave the Secret out" }}{{ end -}}
{{- end -}}
{{- if and $v.notifications.rules $v.notifications.existingConfigMap }}{{ fail "notifications.rules and notifications.existingConfigMap are both set: give one" }}{{ end -}}
{{- if and $v.notifications.secretKeys (not $v.notifications.existingSecret) }}{{ fail "notifications.existingSecret is not set: name the Secret that has the keys of notifications.secretKeys" }}{{ end -}}
{{- if and $v.notifications.existingSecret (not $v.notifications.secretKeys) }}{{ fail "notifications.secretKeys is empty: list the keys of notifications.existingSecret that the rules name, or leave the Secret out" }}{{ end -}}
{{- if gt ($v.topics.minInsyncReplicas | int) ($v.topics.replicationFactor | int) }}{{ fail (printf "topics.minInsyncReplicas %d is more than topics.replicationFactor %d: every record would be refused" ($v.topics.minInsyncReplicas | int) ($v.topics.replicationFactor | int)) }}{{ end -}}
{{- if eq ($v.image.tag | toString) "latest" }}{{ fail "image.tag is latest: give a fixed tag or image.digest, so that a restart never changes the version" }}{{ end -}}
{{- range $name, $_ := $v.services -}}
{{- $s := include "dakia.service" (dict "root" $ "name" $name) | fromYaml -}}
{{- $kind := include "dakia.kind" $name -}}
{{- $max := $s.autoscaling.maxReplicas | int -}}
{{- if lt $max ($s.autoscaling.minReplicas | int) }}{{ fail (printf "services.%s.autoscaling.maxReplicas %d is less than minReplicas %d" $name $max ($s.autoscaling.minReplicas | int)) }}{{ end -}}
{{- if eq $s.autoscaling.kind "keda" -}}
{{- if not (has $kind (list "consumer" "quarantine")) }}{{ fail (printf "services.%s.autoscaling.kind is keda, which scales by Kafka lag; %s reads no topic: use hpa" $name $name) }}{{ end -}}
{{- if gt $max ($v.topics.partitions | int) }}{{ fail (printf "services.%s.autoscaling.maxReplicas %d is more than topics.partitions %d: the others would have nothing to read" $name $max ($v.topics.partitions | int)) }}{{ end -}}
{{- end -}}
{{- end -}}
{{- if and $v.ingress.enabled (not $v.ingress.host) }}{{ fail "ingress.host is not set: give the name that Razorpay will call" }}{{ end -}}
{{- if and $v.ingress.enabled $v.ingress.allowList (ne $v.ingress.controller "ingress-nginx") }}{{ fail "ingress.allowList needs ingress.controller: ingress-nginx; for another controller put its own annotation into ingress.annotations" }}{{ end -}}
{{- if and $v.httpRoute.enabled (not $v.httpRoute.parentRefs) }}{{ fail "httpRoute.parentRefs is empty: name the Gateway" }}{{ end -}}
{{- if and $v.httpRoute.enabled (not $v.httpRoute.host) }}{{ fail "httpRoute.host is not set: give the name that Razorpay will call" }}{{ end -}}
{{- if and $v.httpRoute.enabled $v.httpRoute.allowList (ne $v.httpRoute.controller "envoy-gateway") }}{{ fail "httpRoute.allowList needs httpRoute.controller: envoy-gateway; for another controller use extraObjects" }}{{ end -}}
{{- if $v.networkPolicy.enabled -}}
{{- range $server := list "kafka" "postgres" "redis" }}
{{- if not (get (get $v.networkPolicy $server) "to") }}{{ fail (printf "networkPolicy.%s.to is empty: with networkPolicy.enabled give the peers (ipBlock or selectors) where it is, or no pod reaches it" $server) }}{{ end -}}
{{- end -}}
{{- if and $v.kafka.schemaRegistryUrl (not $v.networkPolicy.schemaRegistry.to) }}{{ fail "networkPolicy.schemaRegistry.to is empty, but kafka.schemaRegistryUrl is set: give the peers where it is" }}{{ end -}}
{{- if and $v.tracing.endpoint (not $v.networkPolicy.collector.to) }}{{ fail "networkPolicy.collector.to is empty, but tracing.endpoint is set: give the peers where the collector is" }}{{ end -}}
{{- end -}}
{{- if and $v.monitoring.podMonitor.enabled $v.monitoring.serviceMonitor.enabled }}{{ fail "monitoring.podMonitor.enabled and monitoring.serviceMonitor.enabled are both true: every pod would be counted twice; give one" }}{{ end -}}
{{- if and $v.externalSecrets.enabled (not $v.externalSecrets.storeName) }}{{ fail "externalSecrets.storeName is not set: name the SecretStore or ClusterSecretStore" }}{{ end -}}
{{- if and $v.strimzi.enabled (not $v.strimzi.cluster) }}{{ fail "strimzi.cluster is not set: name the Kafka resource that the topics belong to" }}{{ end -}}
{{- end -}}
