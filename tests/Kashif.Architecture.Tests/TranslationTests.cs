using System.ComponentModel.DataAnnotations;
using System.Globalization;
using System.Reflection;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using Kashif.Localization;
using Kashif.Testing;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace Kashif.Architecture.Tests;

/// <summary>Every text of a problem has an Arabic translation.</summary>
public sealed partial class TranslationTests(BuiltServices services)
{
    /// <summary>Values that break every rule for their type.</summary>
    private static readonly object[] InvalidValues =
        [" ", new string('x', 20_000), "not/valid", int.MinValue, int.MaxValue, double.MinValue, double.MaxValue, Array.Empty<string>()];

    public static TheoryData<string> Services => BuiltServices.Names;

    public static TheoryData<string> Projects =>
        [.. Directory.EnumerateFiles(Repository.Root, "Messages.ar.resx", SearchOption.AllDirectories).Select(file => Path.GetFileName(Path.GetDirectoryName(file) ?? "")).Order()];

    [Theory]
    [MemberData(nameof(Services))]
    public void A_request_field_is_refused_in_Arabic(string service)
    {
        var messages = Rules(service).Select(rule => (rule.Name, Messages: Refusals(rule.Attribute))).ToList();

        messages.Where(rule => rule.Messages.Count == 0 || !rule.Messages.All(IsArabic))
            .Select(rule => $"{rule.Name}: {string.Join(" | ", rule.Messages)}").ShouldBeEmpty();
    }

    [Theory]
    [MemberData(nameof(Projects))]
    public void Problem_texts_have_a_translation_and_translations_have_a_text(string project)
    {
        var translations = Translations(project);
        var shared = project == "Kashif.ServiceDefaults" ? [] : Translations("Kashif.ServiceDefaults");
        var sources = Directory.EnumerateFiles(Path.Combine(Repository.Root, project), "*.cs", SearchOption.AllDirectories)
            .Where(file => !file.Contains("/obj/", StringComparison.Ordinal) && !file.Contains("/Migrations/", StringComparison.Ordinal))
            .Select(File.ReadAllText)
            .ToArray();
        var texts = sources.SelectMany(Sentences).ToHashSet();
        var problems = sources.SelectMany(source => Problem().Matches(source)).SelectMany(problem => Sentences(problem.Value)).ToHashSet();

        problems.ShouldNotBeEmpty();
        problems.Where(text => !translations.ContainsKey(text) && !shared.ContainsKey(text)).ShouldBeEmpty("without a translation");
        translations.Keys.Except(texts).ShouldBeEmpty("without a text");
        translations.Where(entry => !IsArabic(entry.Value) || !Holes(entry.Key).SetEquals(Holes(entry.Value))).Select(entry => entry.Key).ShouldBeEmpty();
    }

    private static List<string> Refusals(ValidationAttribute attribute)
    {
        var former = CultureInfo.CurrentUICulture;
        CultureInfo.CurrentUICulture = CultureInfo.GetCultureInfo(Languages.Arabic);
        try
        {
            return [.. InvalidValues.Select(value => Refusal(attribute, value)).OfType<string>().Select(Localized.Text).Distinct()];
        }
        finally
        {
            CultureInfo.CurrentUICulture = former;
        }
    }

    private static string? Refusal(ValidationAttribute attribute, object value)
    {
        try
        {
            return attribute.GetValidationResult(value, new ValidationContext(value) { DisplayName = "A_field" })?.ErrorMessage;
        }
        catch (Exception exception) when (exception is InvalidCastException or FormatException or OverflowException)
        {
            return null; // a rule for another type
        }
    }

    private IEnumerable<(string Name, ValidationAttribute Attribute)> Rules(string service) => services[service].Services
        .GetServices<EndpointDataSource>().SelectMany(source => source.Endpoints)
        .Select(endpoint => endpoint.Metadata.GetMetadata<MethodInfo>()).OfType<MethodInfo>()
        .SelectMany(handler => handler.GetParameters())
        .SelectMany(parameter => parameter.ParameterType.GetProperties().Cast<ICustomAttributeProvider>()
            .Concat(parameter.ParameterType.GetConstructors().SelectMany(constructor => constructor.GetParameters()))
            .Append(parameter)
            .SelectMany(member => member.GetCustomAttributes(typeof(ValidationAttribute), inherit: true).Cast<ValidationAttribute>()
                .Select(attribute => ($"{parameter.ParameterType.Name}.{member}", attribute))))
        .Distinct();

    private static IEnumerable<string> Sentences(string source) => Sentence().Matches(source).Select(match => Placeholders(match.Groups["text"].Value));

    private static bool IsArabic(string text) => text.Any(character => character is >= '\u0600' and <= '\u06ff');

    private static Dictionary<string, string> Translations(string project) => XDocument.Load(Path.Combine(Repository.Root, project, "Messages.ar.resx"))
        .Descendants("data").ToDictionary(data => data.Attribute("name")?.Value ?? "", data => data.Element("value")?.Value ?? "");

    private static HashSet<string> Holes(string text) => [.. Hole().Matches(text).Select(match => match.Value)];

    /// <summary><c>At most {max} characters.</c> → <c>At most {0} characters.</c></summary>
    private static string Placeholders(string text)
    {
        var index = 0;
        return Expression().Replace(text, _ => $"{{{index++}}}");
    }

    /// <summary>A string that is a sentence for people.</summary>
    [GeneratedRegex(@"""(?<text>[A-Za-z](?:[^""\\{]|\{(?:[^{}""]|""[^""]*"")*\})* (?:[^""\\{]|\{(?:[^{}""]|""[^""]*"")*\})*\.)""")]
    private static partial Regex Sentence();

    /// <summary>The statement or member that makes a problem.</summary>
    [GeneratedRegex(@"(?:(?<!Console\.)\bError\.\w+|new Error|new\(\s*StatusCodes|Localized\.\w+|errors\.Add|OAuthProblem\.Of|Refuse|ValidationAttribute|ConflictException)\([^;]*;")]
    private static partial Regex Problem();

    [GeneratedRegex(@"\{(?:[^{}""]|""[^""]*"")*\}")]
    private static partial Regex Expression();

    [GeneratedRegex(@"\{\d\}")]
    private static partial Regex Hole();
}
