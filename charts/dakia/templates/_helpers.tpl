{{- define "dakia.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if contains $name .Release.Name -}}{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}{{- printf "%s-%s" .Release.Name $name | trunc 40 | trimSuffix "-" -}}{{- end -}}
{{- end -}}
{{- end -}}

{{/* Labels that select; they never change in the life of a release. */}}
{{- define "dakia.selector" -}}
app.kubernetes.io/name: {{ default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "dakia.labels" -}}
{{ include "dakia.selector" . }}
app.kubernetes.io/version: {{ .Values.image.tag | default .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: dakia
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "dakia.image" -}}
{{- if .Values.image.digest -}}{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}{{- end -}}
{{- end -}}

{{/* Which kind of work a service does: ingest, consumer (of a family's topics), quarantine (a consumer that applies nothing), notifier. */}}
{{- define "dakia.kind" -}}
{{- if has . (list "ingest" "quarantine" "notifier") }}{{ . }}{{ else }}consumer{{ end -}}
{{- end -}}

{{/* The values of one service over the defaults, as YAML. Give (dict "root" $ "name" "payments"). */}}
{{- define "dakia.service" -}}
{{- $own := index .root.Values.services .name | default dict -}}
{{- mustMergeOverwrite (deepCopy .root.Values.defaults) $own | toYaml -}}
{{- end -}}

{{/* Security contexts of every pod, hooks and tests included: what the restricted Pod Security Standard asks, and a read-only root. */}}
{{- define "dakia.podSecurity" -}}
automountServiceAccountToken: false
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  runAsUser: 65532
  runAsGroup: 65532
  fsGroup: 65532
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile:
    type: RuntimeDefault
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "dakia.containerSecurity" -}}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities:
    drop: [ALL]
{{- end -}}

{{/* Folder below which files of secrets are mounted. Whole folders, so that the kubelet renews them. */}}
{{- define "dakia.secrets" -}}/etc/dakia{{- end -}}

{{- define "dakia.env.kafka" -}}
- name: KAFKA_BROKERS
  value: {{ .Values.kafka.brokers | quote }}
{{- with .Values.kafka.topicPrefix }}
- name: DAKIA_TOPIC_PREFIX
  value: {{ . | quote }}
{{- end }}
{{- with .Values.kafka.schemaRegistryUrl }}
- name: SCHEMA_REGISTRY_URL
  value: {{ . | quote }}
{{- end }}
{{- with .Values.kafka.tls }}
{{- if .enabled }}
- name: KAFKA_TLS
  value: "true"
{{- if .caKey }}
- name: KAFKA_TLS_CA_FILE
  value: {{ include "dakia.secrets" $ }}/kafka-tls/{{ .caKey }}
{{- end }}
{{- if .certKey }}
- name: KAFKA_TLS_CERT_FILE
  value: {{ include "dakia.secrets" $ }}/kafka-tls/{{ .certKey }}
- name: KAFKA_TLS_KEY_FILE
  value: {{ include "dakia.secrets" $ }}/kafka-tls/{{ .keyKey }}
{{- end }}
{{- end }}
{{- end }}
{{- with .Values.kafka.sasl }}
{{- if ne .mechanism "none" }}
- name: KAFKA_SASL_MECHANISM
  value: {{ .mechanism }}
- name: KAFKA_SASL_USERNAME
  valueFrom:
    secretKeyRef:
      name: {{ .existingSecret }}
      key: {{ .usernameKey }}
- name: KAFKA_SASL_PASSWORD
  valueFrom:
    secretKeyRef:
      name: {{ .existingSecret }}
      key: {{ .passwordKey }}
{{- end }}
{{- end }}
{{- end -}}

{{/* Give (dict "root" $ "own" <a map with existingSecret and urlKey, empty for the release's>). */}}
{{- define "dakia.env.tracing" -}}
{{- with .Values.tracing }}
{{- if .endpoint }}
- name: OTEL_EXPORTER_OTLP_ENDPOINT
  value: {{ .endpoint | quote }}
- name: DAKIA_TRACE_RATIO
  value: {{ .ratio | quote }}
{{- with .headers.existingSecret }}
- name: OTEL_EXPORTER_OTLP_HEADERS
  valueFrom:
    secretKeyRef:
      name: {{ . }}
      key: {{ $.Values.tracing.headers.key }}
{{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "dakia.env.postgres" -}}
{{- $from := .root.Values.postgres -}}
{{- if .own.existingSecret }}{{- $from = .own -}}{{- end -}}
- name: DATABASE_URL
  valueFrom:
    secretKeyRef:
      name: {{ $from.existingSecret }}
      key: {{ $from.urlKey }}
{{- end -}}

{{- /* Where `dakia status` asks what was received. */}}
{{- define "dakia.env.ingestOps" -}}
{{- $ingest := include "dakia.service" (dict "root" . "name" "ingest") | fromYaml }}
{{- if $ingest.enabled }}
- name: DAKIA_INGEST_OPS_URLS
  value: http://{{ include "dakia.fullname" . }}-ingest-ops:9400
{{- end }}
{{- end }}

{{- define "dakia.env.redis" -}}
- name: REDIS_URL
  valueFrom:
    secretKeyRef:
      name: {{ .Values.redis.existingSecret }}
      key: {{ .Values.redis.urlKey }}
- name: DAKIA_QUEUE_PREFIX
  value: {{ .Values.redis.queuePrefix | quote }}
{{- if .Values.redis.tls.existingSecret }}
- name: REDIS_TLS_CA_FILE
  value: {{ include "dakia.secrets" . }}/redis-tls/{{ .Values.redis.tls.caKey }}
{{- end }}
{{- end -}}

{{/* Volumes for files of secrets; (dict "root" $ "kafka" bool "postgres" bool "redis" bool "webhook" bool). */}}
{{- define "dakia.volumes" -}}
{{- $values := .root.Values -}}
- name: tmp
  emptyDir:
    sizeLimit: 64Mi
{{- if and .kafka $values.kafka.tls.enabled $values.kafka.tls.existingSecret }}
- name: kafka-tls
  secret:
    secretName: {{ $values.kafka.tls.existingSecret }}
    defaultMode: 0440
{{- end }}
{{- if and .postgres $values.postgres.tls.existingSecret }}
- name: postgres-tls
  secret:
    secretName: {{ $values.postgres.tls.existingSecret }}
    defaultMode: 0440
{{- end }}
{{- if and .redis $values.redis.tls.existingSecret }}
- name: redis-tls
  secret:
    secretName: {{ $values.redis.tls.existingSecret }}
    defaultMode: 0440
{{- end }}
{{- if .webhook }}
- name: webhook
  secret:
    secretName: {{ $values.webhook.existingSecret }}
    defaultMode: 0440
{{- end }}
{{- end -}}

{{- define "dakia.volumeMounts" -}}
{{- $values := .root.Values -}}
- name: tmp
  mountPath: /tmp
{{- if and .kafka $values.kafka.tls.enabled $values.kafka.tls.existingSecret }}
- name: kafka-tls
  mountPath: {{ include "dakia.secrets" .root }}/kafka-tls
  readOnly: true
{{- end }}
{{- if and .postgres $values.postgres.tls.existingSecret }}
- name: postgres-tls
  mountPath: {{ include "dakia.secrets" .root }}/postgres-tls
  readOnly: true
{{- end }}
{{- if and .redis $values.redis.tls.existingSecret }}
- name: redis-tls
  mountPath: {{ include "dakia.secrets" .root }}/redis-tls
  readOnly: true
{{- end }}
{{- if .webhook }}
- name: webhook
  mountPath: {{ include "dakia.secrets" .root }}/webhook
  readOnly: true
{{- end }}
{{- end -}}

{{- define "dakia.resources" -}}
requests:
  cpu: {{ .cpu | quote }}
  memory: {{ .memoryMi }}Mi
limits:
  memory: {{ .memoryMi }}Mi
{{- with .cpuLimit }}
  cpu: {{ . | quote }}
{{- end }}
{{- end -}}

{{/* The heap follows the memory limit; Node's own default may be larger than the container. */}}
{{- define "dakia.heap" -}}
- name: NODE_OPTIONS
  value: --max-old-space-size={{ div (mul .memoryMi .heapPercent) 100 }}
{{- end -}}

{{/* Topics that a service reads, without the prefix: files/topics.json, which is written from the catalogue. */}}
{{- define "dakia.topicsOf" -}}
{{- $topics := .root.Files.Get "files/topics.json" | fromJson -}}
{{- index (get $topics "services") .name | default list | toJson -}}
{{- end -}}

{{/* The jobs that prepare the servers, in order. */}}
{{- define "dakia.jobs" -}}
{{- $jobs := list -}}
{{- if .Values.jobs.migrations }}
{{- $jobs = append $jobs (dict "name" "migrations" "args" (list "cli" "migrate") "postgres" true "kafka" false) -}}
{{- /* The CronJob comes once a day; the first events must not wait for it. */ -}}
{{- $jobs = append $jobs (dict "name" "partitions" "args" (list "cli" "partitions" "apply") "postgres" true "kafka" false) -}}
{{- end -}}
{{- if and .Values.jobs.topics (not .Values.strimzi.enabled) }}
{{- $t := .Values.topics -}}
{{- $args := list "cli" "topics" "apply" "--shape" "production" "--partitions" ($t.partitions | int | toString) "--replication-factor" ($t.replicationFactor | int | toString) "--min-insync-replicas" ($t.minInsyncReplicas | int | toString) "--retention-days" ($t.retentionDays | int | toString) -}}
{{- $jobs = append $jobs (dict "name" "topics" "args" $args "postgres" false "kafka" true) -}}
{{- end -}}
{{- if and .Values.jobs.schemas .Values.kafka.schemaRegistryUrl }}{{- $jobs = append $jobs (dict "name" "schemas" "args" (list "cli" "schema" "register") "postgres" false "kafka" true) -}}{{- end -}}
{{- dict "jobs" $jobs | toJson -}}
{{- end -}}

{{/* TriggerAuthentication with which KEDA asks Kafka; empty where Kafka takes anybody. */}}
{{- define "dakia.kedaLogin" -}}
{{- if .Values.keda.authenticationRef -}}{{ .Values.keda.authenticationRef }}
{{- else if include "dakia.kedaSecrets" . -}}{{ include "dakia.fullname" . }}-kafka{{- end -}}
{{- end -}}

{{/* What KEDA needs of the Secrets with which pods ask Kafka, as a list of {parameter, name, key} in YAML. */}}
{{- define "dakia.kedaSecrets" -}}
{{- with .Values.kafka.sasl }}
{{- if ne .mechanism "none" }}
- { parameter: username, name: {{ .existingSecret }}, key: {{ .usernameKey | quote }} }
- { parameter: password, name: {{ .existingSecret }}, key: {{ .passwordKey | quote }} }
{{- end }}
{{- end }}
{{- with .Values.kafka.tls }}
{{- if and .enabled .existingSecret }}
{{- if .caKey }}
- { parameter: ca, name: {{ .existingSecret }}, key: {{ .caKey | quote }} }
{{- end }}
{{- if .certKey }}
- { parameter: cert, name: {{ .existingSecret }}, key: {{ .certKey | quote }} }
- { parameter: key, name: {{ .existingSecret }}, key: {{ .keyKey | quote }} }
{{- end }}
{{- end }}
{{- end }}
{{- end -}}
