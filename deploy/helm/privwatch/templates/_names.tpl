{{- define "privwatch.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 50 | trimSuffix "-" -}}
{{- end -}}

{{- define "privwatch.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" -}}
{{- else if contains (include "privwatch.name" .) .Release.Name -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "privwatch.name" .) | trunc 50 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* What selects the pods of a part. Takes a list: the root, the part. */}}
{{- define "privwatch.selector" -}}
app.kubernetes.io/name: {{ include "privwatch.name" (index . 0) }}
app.kubernetes.io/instance: {{ (index . 0).Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end -}}

{{- define "privwatch.labels" -}}
{{ include "privwatch.selector" . }}
app.kubernetes.io/version: {{ (index . 0).Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ (index . 0).Release.Service }}
helm.sh/chart: {{ printf "%s-%s" (index . 0).Chart.Name (index . 0).Chart.Version }}
{{- end -}}

{{- define "privwatch.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}
{{ .repository }}@{{ .digest }}
{{- else -}}
{{ .repository }}:{{ .tag | default $.Chart.AppVersion }}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Whether there is a ConfigMap of rules, and its name. */}}
{{- define "privwatch.rules" -}}
{{- if .Values.rules.existingConfigMap -}}
{{ .Values.rules.existingConfigMap }}
{{- else if .Values.rules.files -}}
{{ include "privwatch.fullname" . }}-rules
{{- end -}}
{{- end -}}

{{/* What values cannot be, said in words. */}}
{{- define "privwatch.check" -}}
{{- if not .Values.settings.sources.kafka.bootstrap -}}
{{- fail "settings.sources.kafka.bootstrap is empty: name the brokers, as host:port" -}}
{{- end -}}
{{- if not .Values.store.url -}}
{{- fail "store.url is empty: name the database, as postgresql://user@host:5432/database" -}}
{{- end -}}
{{- if not .Values.keys.pseudonyms.secret -}}
{{- fail "keys.pseudonyms.secret is empty: name the secret with the key of pseudonyms; docs/deployment.md says how to make it" -}}
{{- end -}}
{{- if and .Values.web.enabled (not .Values.keys.ledger.secret) -}}
{{- fail "keys.ledger.secret is empty, and the review signs with that key: name its secret, or set web.enabled to false" -}}
{{- end -}}
{{- if gt (int .Values.daemon.replicas) (int .Values.daemon.partitions) -}}
{{- fail (printf "daemon.replicas is %d, daemon.partitions %d: instances beyond the partitions have nothing to read and are never ready" (int .Values.daemon.replicas) (int .Values.daemon.partitions)) -}}
{{- end -}}
{{- if and .Values.rules.files .Values.rules.existingConfigMap -}}
{{- fail "rules.files and rules.existingConfigMap are both set: say one" -}}
{{- end -}}
{{- if not (or .Values.rules.shipped (include "privwatch.rules" .)) -}}
{{- fail "there are no rules: set rules.shipped, rules.files or rules.existingConfigMap" -}}
{{- end -}}
{{- end -}}
