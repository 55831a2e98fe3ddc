namespace Kashif.Localization;

/// <summary>The languages of texts for people, as in <c>Accept-Language</c>.</summary>
public static class Languages
{
    public const string English = "en";
    public const string Arabic = "ar";

    /// <summary>The languages of the files <c>Messages.&lt;language&gt;.resx</c>.</summary>
    internal static string[] Translated { get; } = [Arabic];
}
