using Kashif.Localization;

namespace Kashif.Notifications.Assistant;

/// <summary>A user's question.</summary>
/// <param name="Language">Of the reply.</param>
/// <param name="Authorization">The caller's own header: what the caller may not read, the assistant cannot.</param>
internal sealed record AssistantQuestion(string Text, string Language, Guid UserId, string Authorization)
{
    public bool InArabic => Language == Languages.Arabic;

    /// <summary>The text for the language of the reply.</summary>
    public string Say(string english, string arabic) => InArabic ? arabic : english;
}

/// <param name="Intent">Of <see cref="Intents"/>.</param>
/// <param name="Sources">The paths of the API resources that the reply is made of.</param>
internal sealed record AssistantReply(string Intent, string Text, params string[] Sources);

/// <summary>Answers questions. It reads and never acts.</summary>
internal interface IAssistantModel
{
    /// <returns>Null if it has no answer: the next model is asked.</returns>
    Task<AssistantReply?> AnswerAsync(AssistantQuestion question, CancellationToken cancellationToken);
}
