{{- define "kashif.image" -}}
{{- $root := index . 0 }}{{ $name := index . 1 }}{{ $service := index . 2 -}}
{{- if $service.image }}{{ $service.image }}
{{- else }}
{{- $tag := $root.Values.image.tag | default $root.Chart.AppVersion | toString -}}
{{- if or (eq $tag "latest") (eq $tag "") }}{{ fail "Set image.tag to the version to install. latest is not a version." }}{{ end -}}
{{- with $root.Values.image.registry }}{{ . | trimSuffix "/" }}/{{ end }}kashif/{{ $name }}:{{ $tag }}
{{- end }}
{{- end }}

{{/* A secret's value: the given one, else the one of the last release, else a random one. */}}
{{- define "kashif.secret" -}}
{{- $root := index . 0 }}{{ $name := index . 1 }}{{ $given := index . 2 }}{{ $generate := index . 3 }}{{ $key := index . 4 }}{{ $required := index . 5 -}}
{{- $last := lookup "v1" "Secret" $root.Release.Namespace (printf "%s-%s" $root.Release.Name $name) -}}
{{- if $given }}{{ $given }}
{{- else if and $generate $last }}{{ index $last.data "value" | b64dec }}
{{- else if $generate }}{{ randAlphaNum 32 }}
{{- else if $required }}{{ fail (printf "Set %s.value or %s.existingSecret: secrets.generate is false." $key $key) }}
{{- end }}
{{- end }}

{{- define "kashif.host" -}}
{{- .Values.ingress.host | default (urlParse .Values.settings.publicUrl).hostname }}
{{- end }}

{{/*
An upgrade migrates before the new pods start. An installation migrates beside them: a hook would run before the database exists. The
same goes for the upgrade of an installation that failed before the database was up.
*/}}
{{- define "kashif.migrationAnnotations" -}}
{{- $database := dict }}
{{- if hasKey (.Values.servers | default dict) "postgres" }}
{{- $database = lookup "apps/v1" "StatefulSet" .Release.Namespace (printf "%s-postgres" .Release.Name) }}
{{- end }}
{{- if and .Release.IsUpgrade (or (not (hasKey (.Values.servers | default dict) "postgres")) (gt (int (dig "status" "readyReplicas" 0 $database)) 0)) }}
helm.sh/hook: pre-upgrade
helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
{{- else }}
argocd.argoproj.io/hook: Sync
argocd.argoproj.io/hook-delete-policy: BeforeHookCreation
{{- end }}
{{- end }}
