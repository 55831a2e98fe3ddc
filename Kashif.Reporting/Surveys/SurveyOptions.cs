using System.ComponentModel.DataAnnotations;

namespace Kashif.Reporting.Surveys;

/// <summary>Section <c>Surveys</c>.</summary>
internal sealed class SurveyOptions
{
    public const string Section = "Surveys";

    /// <summary>How long after a report was resolved its reporter is asked.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "90.00:00:00", ErrorMessage = "Surveys:AskAfter must be between zero and 90 days, such as 7.00:00:00.")]
    public TimeSpan AskAfter { get; set; } = TimeSpan.FromDays(7);

    /// <summary>How long the reporter has to answer.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "365.00:00:00", ErrorMessage = "Surveys:AnswerWithin must be between one second and 365 days, such as 30.00:00:00.")]
    public TimeSpan AnswerWithin { get; set; } = TimeSpan.FromDays(30);

    /// <summary>How often reports to ask about are looked for.</summary>
    [Range(typeof(TimeSpan), "00:00:00.010", "1.00:00:00", ErrorMessage = "Surveys:Interval must be between 10 ms and one day, such as 00:05:00.")]
    public TimeSpan Interval { get; set; } = TimeSpan.FromMinutes(5);
}
