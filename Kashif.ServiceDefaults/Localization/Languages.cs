namespace Kashif.Localization;

/// <summary>The languages of texts for people, as in <c>Accept-Language</c>.</summary>
public static class Languages
{
    public const string English = "en";
    public const string Arabic = "ar";

    internal static string[] All { get; } = [English, Arabic];
}
