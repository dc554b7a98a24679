{{/* What all pods have in common. Takes the root. */}}
{{- define "privwatch.pod" -}}
serviceAccountName: {{ include "privwatch.fullname" . }}
automountServiceAccountToken: false
enableServiceLinks: false
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
securityContext:
  runAsNonRoot: true
  runAsUser: {{ .Values.runAsUser }}
  runAsGroup: {{ .Values.runAsUser }}
  # Secrets are mounted as root's, readable by this group.
  fsGroup: {{ .Values.runAsUser }}
  seccompProfile: {type: RuntimeDefault}
{{- end -}}

{{/* What all containers have in common. Takes the root. */}}
{{- define "privwatch.container" -}}
image: {{ include "privwatch.image" . }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
{{- end -}}

{{/* Where a pod may go. Takes the values of its part. */}}
{{- define "privwatch.placing" -}}
{{- with .nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* Mounts that every container needs; the keys are each part's own. Takes the root. */}}
{{- define "privwatch.mounts" -}}
- {name: settings, mountPath: /etc/privwatch/privwatch.yml, subPath: privwatch.yml, readOnly: true}
- {name: tmp, mountPath: /tmp}
{{- if include "privwatch.rules" . }}
- {name: rules, mountPath: /etc/privwatch/rules, readOnly: true}
{{- end }}
{{- if .Values.store.passwordSecret.name }}
- {name: store, mountPath: /etc/privwatch/store, readOnly: true}
{{- end }}
{{- range .Values.secrets }}
- {name: secret-{{ . }}, mountPath: /etc/privwatch/secrets/{{ . }}, readOnly: true}
{{- end }}
{{- end -}}

{{- define "privwatch.volumes" -}}
- name: settings
  configMap: {name: {{ include "privwatch.fullname" . }}}
- name: tmp
  emptyDir: {sizeLimit: 1Gi}
{{- with include "privwatch.rules" . }}
- name: rules
  configMap: {name: {{ . }}}
{{- end }}
{{- with .Values.store.passwordSecret }}
{{- if .name }}
- name: store
  secret: {secretName: {{ .name }}, defaultMode: 0440, items: [{key: {{ .key }}, path: password}]}
{{- end }}
{{- end }}
{{- range .Values.secrets }}
- name: secret-{{ . }}
  secret: {secretName: {{ . }}, defaultMode: 0440}
{{- end }}
{{- end -}}

{{/* Settings of the daemon: what is said, and what is the chart's. */}}
{{- define "privwatch.settings" -}}
{{- $metrics := dict "host" "0.0.0.0" "port" 9108 -}}
{{- if .Values.daemon.tlsSecret -}}
{{- $_ := set $metrics "tls" (dict "cert" "/etc/privwatch/tls/tls.crt" "key" "/etc/privwatch/tls/tls.key") -}}
{{- else -}}
{{- $_ := set $metrics "insecure" true -}}
{{- end -}}
{{- $rules := list -}}
{{- if .Values.rules.shipped }}{{ $rules = append $rules "shipped" }}{{ end -}}
{{- if include "privwatch.rules" . }}{{ $rules = append $rules "/etc/privwatch/rules" }}{{ end -}}
{{- $own := dict "store" .Values.store.url "key" "/etc/privwatch/keys/privwatch.key" "rules" $rules "metrics" $metrics -}}
{{- if .Values.store.passwordSecret.name -}}
{{- $_ := set $own "store_password_file" "/etc/privwatch/store/password" -}}
{{- end -}}
{{- toYaml (mergeOverwrite (deepCopy .Values.settings) $own) -}}
{{- end -}}
