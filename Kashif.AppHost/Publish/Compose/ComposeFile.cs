namespace Kashif.Publish.Compose;

/// <summary>The part of the Compose Specification that is written. Docker Compose 1.29 and newer read it.</summary>
internal sealed record ComposeFile(
    IReadOnlyDictionary<string, ComposeService> Services, IReadOnlyDictionary<string, ComposeNetwork?> Networks, IReadOnlyDictionary<string, ComposeVolume?> Volumes);

internal sealed record ComposeService
{
    public required string Image { get; init; }

    public string? Hostname { get; init; }

    public string? User { get; init; }

    public IReadOnlyList<string> Entrypoint { get; init; } = [];

    public IReadOnlyList<string> Command { get; init; } = [];

    public IReadOnlyDictionary<string, string> Environment { get; init; } = new Dictionary<string, string>();

    public IReadOnlyList<string> Ports { get; init; } = [];

    public IReadOnlyList<string> Volumes { get; init; } = [];

    public IReadOnlyList<string> Networks { get; init; } = [];

    public IReadOnlyDictionary<string, ComposeDependency> DependsOn { get; init; } = new Dictionary<string, ComposeDependency>();

    public ComposeHealthCheck? Healthcheck { get; init; }

    public required string Restart { get; init; }

    public string? StopGracePeriod { get; init; }

    public string? MemLimit { get; init; }

    public string? ShmSize { get; init; }

    public string? PullPolicy { get; init; }

    public bool ReadOnly { get; init; }

    public IReadOnlyList<string> Tmpfs { get; init; } = [];

    public IReadOnlyList<string> CapDrop { get; init; } = [];

    public IReadOnlyList<string> SecurityOpt { get; init; } = [];

    public required ComposeLogging Logging { get; init; }
}

internal sealed record ComposeDependency(string Condition);

internal sealed record ComposeHealthCheck(IReadOnlyList<string> Test, string Interval, string Timeout, int Retries, string StartPeriod);

internal sealed record ComposeLogging(string Driver, IReadOnlyDictionary<string, string> Options);

/// <param name="Internal">Whether the network has no way out to other hosts.</param>
internal sealed record ComposeNetwork(bool Internal);

/// <summary>A volume has no settings: its name is all.</summary>
internal sealed record ComposeVolume;
