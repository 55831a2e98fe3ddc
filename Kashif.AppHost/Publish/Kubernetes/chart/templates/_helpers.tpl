{{- define "kashif.image" -}}
{{- $root := index . 0 }}{{ $name := index . 1 }}{{ $service := index . 2 -}}
{{- if $service.image }}{{ $service.image }}
{{- else }}
{{- $tag := $root.Values.image.tag | default $root.Chart.AppVersion -}}
{{- if or (eq $tag "latest") (eq $tag "") }}{{ fail "Set image.tag to the version to install. latest is not a version." }}{{ end -}}
{{- with $root.Values.image.registry }}{{ . | trimSuffix "/" }}/{{ end }}kashif-{{ $name }}:{{ $tag }}
{{- end }}
{{- end }}

{{/* A secret's value: the given one, else the one of the last release, else a random one. */}}
{{- define "kashif.secret" -}}
{{- $root := index . 0 }}{{ $name := index . 1 }}{{ $given := index . 2 }}{{ $generate := index . 3 -}}
{{- $last := lookup "v1" "Secret" $root.Release.Namespace (printf "%s-%s" $root.Release.Name $name) -}}
{{- if $given }}{{ $given }}
{{- else if and $generate $last }}{{ index $last.data "value" | b64dec }}
{{- else if $generate }}{{ randAlphaNum 32 }}
{{- end }}
{{- end }}

{{/* An upgrade migrates before the new pods start. An installation migrates beside them: a hook would run before the database exists. */}}
{{- define "kashif.migrationAnnotations" -}}
{{- if .Release.IsUpgrade }}
helm.sh/hook: pre-upgrade
helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
{{- else }}
{}
{{- end }}
{{- end }}
