namespace Kashif.LocalEngine;

/// <summary>A process to run.</summary>
internal sealed record ProcessSpec(string FileName, params IReadOnlyList<string> Arguments)
{
    /// <summary>Added to what is inherited from the engine.</summary>
    public IReadOnlyDictionary<string, string> Environment { get; init; } = new Dictionary<string, string>();

    /// <summary>Not inherited from the engine.</summary>
    public IReadOnlyCollection<string> WithoutEnvironment { get; init; } = [];

    public string? WorkingDirectory { get; init; }

    /// <summary>The user to become; only root can.</summary>
    public string? User { get; init; }

    /// <summary>How it is asked to stop.</summary>
    public Signal StopSignal { get; init; } = Signal.Term;

    /// <summary>How the guardian ends it when the engine is gone.</summary>
    public Signal DeathSignal { get; init; } = Signal.Kill;

    /// <summary>A port that must answer before what depends on this process is started.</summary>
    public int? ReadyPort { get; init; }
}

/// <summary>The numbers are the same on Linux and macOS.</summary>
internal enum Signal
{
    Int = 2,
    Quit = 3,
    Kill = 9,
    Term = 15,
}
