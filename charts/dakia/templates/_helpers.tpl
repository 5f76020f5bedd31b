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

{{/* Folder below which files of secrets are mounted. Whole folders (no subPath), so that the kubelet renews them. */}}
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
- name: KAFKA_SASL_USERNAME_FILE
  value: {{ include "dakia.secrets" $ }}/kafka/{{ .usernameKey }}
- name: KAFKA_SASL_PASSWORD_FILE
  value: {{ include "dakia.secrets" $ }}/kafka/{{ .passwordKey }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "dakia.env.tracing" -}}
{{- with .Values.tracing }}
{{- if .endpoint }}
- name: OTEL_EXPORTER_OTLP_ENDPOINT
  value: {{ .endpoint | quote }}
- name: DAKIA_TRACE_RATIO
  value: {{ .ratio | quote }}
{{- if .headers.existingSecret }}
- name: OTEL_EXPORTER_OTLP_HEADERS_FILE
  value: {{ include "dakia.secrets" $ }}/tracing/{{ .headers.key }}
{{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{/* Where the URL of Postgres is, as YAML. Give (dict "root" $ "own" <a map with existingSecret and urlKey, empty for the release's>). */}}
{{- define "dakia.database" -}}
{{- if .own.existingSecret }}{{ toYaml .own }}{{ else }}{{ pick .root.Values.postgres "existingSecret" "urlKey" | toYaml }}{{ end -}}
{{- end -}}

{{/* The same argument. */}}
{{- define "dakia.env.postgres" -}}
- name: DATABASE_URL_FILE
  value: {{ include "dakia.secrets" .root }}/postgres/{{ (include "dakia.database" . | fromYaml).urlKey }}
{{- end -}}

{{- define "dakia.env.search" -}}
{{- with .Values.search }}
{{- if .existingSecret }}
- name: DAKIA_SEARCH_KEY_FILE
  value: {{ include "dakia.secrets" $ }}/search/{{ .key }}
{{- end }}
{{- end }}
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
- name: REDIS_URL_FILE
  value: {{ include "dakia.secrets" . }}/redis/{{ .Values.redis.urlKey }}
- name: DAKIA_QUEUE_PREFIX
  value: {{ .Values.redis.queuePrefix | quote }}
{{- if .Values.redis.tls.existingSecret }}
- name: REDIS_TLS_CA_FILE
  value: {{ include "dakia.secrets" . }}/redis-tls/{{ .Values.redis.tls.caKey }}
{{- end }}
{{- end -}}

{{/*
Secrets that a pod mounts, as JSON {files: [{name, secret, keys}]}; without keys the whole Secret. Give (dict "root" $) and
what the pod needs: "kafka" bool, "postgres" <the argument `own` of dakia.database>, and "redis", "webhook", "tracing",
"search", "board", "destinations" bool.
*/}}
{{- define "dakia.files" -}}
{{- $v := .root.Values -}}
{{- $files := list -}}
{{- if .kafka -}}
{{- with $v.kafka.tls }}{{ if and .enabled .existingSecret }}{{ $files = append $files (dict "name" "kafka-tls" "secret" .existingSecret "keys" (list .caKey .certKey .keyKey | compact)) }}{{ end }}{{ end -}}
{{- with $v.kafka.sasl }}{{ if ne .mechanism "none" }}{{ $files = append $files (dict "name" "kafka" "secret" .existingSecret "keys" (list .usernameKey .passwordKey)) }}{{ end }}{{ end -}}
{{- end -}}
{{- if hasKey . "postgres" -}}
{{- $database := include "dakia.database" (dict "root" .root "own" .postgres) | fromYaml -}}
{{- $files = append $files (dict "name" "postgres" "secret" $database.existingSecret "keys" (list $database.urlKey)) -}}
{{- /* The URL names the files of this one: all of them are there. */ -}}
{{- with $v.postgres.tls.existingSecret }}{{ $files = append $files (dict "name" "postgres-tls" "secret" .) }}{{ end -}}
{{- end -}}
{{- if .redis -}}
{{- with $v.redis }}{{ $files = append $files (dict "name" "redis" "secret" .existingSecret "keys" (list .urlKey)) }}{{ end -}}
{{- with $v.redis.tls }}{{ if .existingSecret }}{{ $files = append $files (dict "name" "redis-tls" "secret" .existingSecret "keys" (list .caKey)) }}{{ end }}{{ end -}}
{{- end -}}
{{- if .webhook }}{{ with $v.webhook }}{{ $files = append $files (dict "name" "webhook" "secret" .existingSecret "keys" (list .secretsKey .endpointsKey | compact)) }}{{ end }}{{ end -}}
{{- if and .tracing $v.tracing.endpoint }}{{ with $v.tracing.headers }}{{ if .existingSecret }}{{ $files = append $files (dict "name" "tracing" "secret" .existingSecret "keys" (list .key)) }}{{ end }}{{ end }}{{ end -}}
{{- if .search }}{{ with $v.search }}{{ if .existingSecret }}{{ $files = append $files (dict "name" "search" "secret" .existingSecret "keys" (list .key)) }}{{ end }}{{ end }}{{ end -}}
{{- if .board }}{{ with $v.board }}{{ if .existingSecret }}{{ $files = append $files (dict "name" "board" "secret" .existingSecret "keys" (list .passwordKey)) }}{{ end }}{{ end }}{{ end -}}
{{- if .destinations }}{{ with $v.notifications }}{{ if .existingSecret }}{{ $files = append $files (dict "name" "destinations" "secret" .existingSecret "keys" .secretKeys) }}{{ end }}{{ end }}{{ end -}}
{{- dict "files" $files | toJson -}}
{{- end -}}

{{- /* The argument of dakia.files. */}}
{{- define "dakia.volumes" -}}
- name: tmp
  emptyDir:
    sizeLimit: 64Mi
{{- range (include "dakia.files" . | fromJson).files }}
- name: {{ .name }}
  secret:
    secretName: {{ .secret }}
    # 0440; not every reader of YAML knows octal numbers.
    defaultMode: 288
    {{- with .keys }}
    items:
      {{- range . }}
      - { key: {{ . | quote }}, path: {{ . | quote }} }
      {{- end }}
    {{- end }}
{{- end }}
{{- end -}}

{{- /* The argument of dakia.files. */}}
{{- define "dakia.volumeMounts" -}}
- name: tmp
  mountPath: /tmp
{{- range (include "dakia.files" . | fromJson).files }}
- name: {{ .name }}
  mountPath: {{ include "dakia.secrets" $.root }}/{{ .name }}
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
