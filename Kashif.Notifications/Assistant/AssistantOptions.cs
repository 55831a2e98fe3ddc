using System.ComponentModel.DataAnnotations;

namespace Kashif.Notifications.Assistant;

/// <summary>Section <c>Assistant</c>.</summary>
internal sealed class AssistantOptions : IValidatableObject
{
    public const string Section = "Assistant";

    /// <summary>The base address of an OpenAI-compatible API, such as <c>https://models.example.org/v1</c>. Without it, only the rules answer.</summary>
    public Uri? Endpoint { get; set; }

    /// <summary>The key of that API, if it asks for one.</summary>
    public string ApiKey { get; set; } = "";

    /// <summary>The name of the model at <see cref="Endpoint"/>.</summary>
    public string Model { get; set; } = "";

    /// <summary>How long the model may take.</summary>
    [Range(typeof(TimeSpan), "00:00:00.100", "00:01:00", ErrorMessage = "Assistant:Timeout must be between 100 ms and one minute, such as 00:00:10.")]
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>How long another service may take for one read.</summary>
    [Range(typeof(TimeSpan), "00:00:00.010", "00:00:30", ErrorMessage = "Assistant:ReadTimeout must be between 10 ms and 30 s, such as 00:00:02.")]
    public TimeSpan ReadTimeout { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>How long questions and replies are kept.</summary>
    [Range(typeof(TimeSpan), "01:00:00", "3650.00:00:00", ErrorMessage = "Assistant:Retention must be between one hour and ten years, such as 90.00:00:00.")]
    public TimeSpan Retention { get; set; } = TimeSpan.FromDays(90);

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (Endpoint is { } endpoint && !(endpoint.IsAbsoluteUri && endpoint.Scheme is "http" or "https"))
        {
            yield return new("Assistant:Endpoint must be a web address such as https://models.example.org/v1.");
        }

        if (Endpoint is not null && Model.Length == 0)
        {
            yield return new("Assistant:Model is not set. It is the name of the model at Assistant:Endpoint.");
        }
    }
}
