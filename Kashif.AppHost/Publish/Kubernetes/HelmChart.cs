namespace Kashif.Publish.Kubernetes;

internal static class HelmChart
{
    public static Task WriteAsync(PublishedApp app, string directory, CancellationToken cancellationToken)
    {
        var lines = app.Workloads.SelectMany(w => w.Environment.Select(e => $"{w.Name} {e.Key}={e.Value.Write(p => p switch { Literal l => l.Text, ParameterValue v => $"<{v.Parameter.Name}{(v.IsUriEncoded ? ":uri" : "")}>", HostName h => $"[{h.Workload}]", _ => "?" })}"));
        return File.WriteAllLinesAsync(Path.Combine(directory, "x"), lines, cancellationToken);
    }
}
