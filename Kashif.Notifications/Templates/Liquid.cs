using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Fluid;
using Fluid.Ast;
using Fluid.Values;
using Kashif.Localization;

namespace Kashif.Notifications.Templates;

/// <summary>
/// Liquid, reduced to the needs of a short text. Administrators write templates, so no template may exhaust the service: it has no
/// includes, ranges, parentheses and captures, no filter that multiplies text, and its size, steps and output are bounded.
/// </summary>
internal static partial class Liquid
{
    public const int MaxSource = 4000;
    public const int MaxTags = 100;
    public const int MaxOutput = 10_000;
    public const int MaxSteps = 1000;

    /// <summary>Of a text in the variables; the rest is cut.</summary>
    public const int MaxText = 2000;

    private const int MaxItems = 100;

    private static readonly LiquidParser Parser = new();
    private static readonly string[] StandardFilters =
    [
        "abs", "append", "at_least", "at_most", "capitalize", "ceil", "default", "divided_by", "downcase", "first", "floor", "last", "minus", "modulo",
        "plus", "prepend", "round", "size", "strip", "times", "truncate", "upcase",
    ];

    private static readonly TemplateOptions English = MakeOptions(Languages.English);
    private static readonly TemplateOptions Arabic = MakeOptions(Languages.Arabic);

    /// <exception cref="TemplateException">The message says what is wrong, and where.</exception>
    public static IFluidTemplate Parse(string source, IEnumerable<string> variables)
    {
        if (source.Length > MaxSource)
        {
            throw new TemplateException(Localized.Format($"At most {MaxSource} characters."));
        }

        // The parser recurses at each nested tag.
        if (source.AsSpan().Count("{%") > MaxTags)
        {
            throw new TemplateException(Localized.Format($"At most {MaxTags} tags."));
        }

        if (!Parser.TryParse(source, out var template, out var error))
        {
            throw NotParsed(error.Split('\n')[0]);
        }

        new TemplateChecks(variables, English.Filters).VisitTemplate(template);
        return template;
    }

    /// <exception cref="Exception">Any: the template exceeds its bounds or computes with something that is no number.</exception>
    public static string Render(IFluidTemplate template, IEnumerable<KeyValuePair<string, FluidValue>> variables, string language)
    {
        var context = new TemplateContext(OptionsOf(language));
        foreach (var (name, value) in variables)
        {
            context.SetValue(name, value);
        }

        var output = new BoundedWriter();
        var rendered = template.RenderAsync(output, NullEncoder.Default, context);
        if (!rendered.IsCompletedSuccessfully)
        {
            rendered.AsTask().GetAwaiter().GetResult();
        }

        return output.ToString();
    }

    /// <summary>A value for templates of this language. No template sees an object of the service.</summary>
    public static FluidValue ToValue(JsonElement json, VariableType type, string language) => type switch
    {
        VariableType.Time when json.ValueKind == JsonValueKind.String && json.TryGetDateTimeOffset(out var time) => new DateTimeValue(time),
        VariableType.Link => json.ValueKind == JsonValueKind.String && json.GetString() is { } link && IsLink(link) ? new StringValue(link) : NilValue.Instance,
        _ => ToValue(json, language == Languages.Arabic, depth: 0),
    };

    public static bool IsLink(string text) =>
        text.Length <= MaxText && text.All(character => character is > ' ' and < '\u007f' and not ('"' or '<' or '>'))
        && Uri.TryCreate(text, UriKind.Absolute, out var link) && link.Scheme is "http" or "https";

    private static FluidValue ToValue(JsonElement json, bool rightToLeft, int depth) => json.ValueKind switch
    {
        JsonValueKind.String => UserText.Create(json.GetString() ?? "", rightToLeft, MaxText),
        JsonValueKind.Number => json.TryGetDecimal(out var number) ? NumberValue.Create(number) : NilValue.Instance,
        JsonValueKind.True => BooleanValue.True,
        JsonValueKind.False => BooleanValue.False,
        JsonValueKind.Array when depth == 0 =>
            new ArrayValue([.. json.EnumerateArray().Take(MaxItems).Select(item => ToValue(item, rightToLeft, depth + 1))]),
        JsonValueKind.Object when depth == 1 =>
            FluidValue.Create(json.EnumerateObject().ToDictionary(member => member.Name, member => ToValue(member.Value, rightToLeft, depth + 1)), English),
        _ => NilValue.Instance,
    };

    private static TemplateOptions OptionsOf(string language) => language == Languages.Arabic ? Arabic : English;

    private static TemplateOptions MakeOptions(string language)
    {
        var options = new TemplateOptions { MaxSteps = MaxSteps, MaxRecursion = MaxTags, StrictFilters = true, ModelNamesComparer = StringComparer.Ordinal, TimeZone = TimeZoneInfo.Utc };
        var standard = options.Filters.ToDictionary();
        options.Filters.Clear();
        foreach (var name in StandardFilters)
        {
            Add(name, standard[name]);
        }

        Add("plural", (input, forms, _) => new StringValue(Plural(language, input.ToNumberValue(), forms)));
        Add("date", (input, _, _) => input is DateTimeValue ? new StringValue(Day(language, input)) : input);
        return options;

        void Add(string name, FilterDelegate filter) => options.Filters.AddFilter(name, async (input, arguments, context) =>
        {
            context.IncrementSteps();
            var result = await filter(input, arguments, context);
            if (result.Type != FluidValues.String)
            {
                return result;
            }

            var text = result.ToStringValue();
            if (text.Length > MaxOutput)
            {
                throw TooLong();
            }

            return input is UserText user ? user.With(text) : result;
        });
    }

    private static string Plural(string language, decimal number, FilterArguments forms)
    {
        var category = PluralRules.Category(language, number);
        var form = forms[forms.HasNamed(category) ? category : PluralRules.Other].ToStringValue();

        // CLDR: a left-to-right mark keeps the sign on the left of the number in Arabic text.
        var mark = number < 0 && language == Languages.Arabic ? "\u200e" : "";
        return form.Replace("#", mark + number.ToString("0.####", CultureInfo.InvariantCulture), StringComparison.Ordinal);
    }

    private static string Day(string language, FluidValue time) =>
        ((DateTimeOffset)time.ToObjectValue()).UtcDateTime.ToString("d MMMM yyyy", CultureInfo.GetCultureInfo(language));

    /// <summary>The parser says <c>'endif' was expected at (2:14)</c>.</summary>
    private static TemplateException NotParsed(string error) => new(Position.Match(error) is { Success: true, Groups: [_, var reason, var line, var column] }
        ? Localized.Format($"It is no valid template at line {line.Value}, column {column.Value}: {reason.Value}.")
        : Localized.Format($"It is no valid template: {error}."));

    [GeneratedRegex(@"^(.*) at \((\d+):(\d+)\)$")]
    private static partial Regex Position { get; }

    private static TemplateException TooLong() => new(Localized.Format($"It becomes longer than {MaxOutput} characters."));

    /// <summary>Ends a rendering whose output is too long.</summary>
    private sealed class BoundedWriter : StringWriter
    {
        public BoundedWriter() : base(new StringBuilder(256), CultureInfo.InvariantCulture)
        {
        }

        public override void Write(char value)
        {
            Reserve(1);
            base.Write(value);
        }

        public override void Write(char[] buffer, int index, int count)
        {
            Reserve(count);
            base.Write(buffer, index, count);
        }

        public override void Write(ReadOnlySpan<char> buffer)
        {
            Reserve(buffer.Length);
            base.Write(buffer);
        }

        public override void Write(string? value)
        {
            Reserve(value?.Length ?? 0);
            base.Write(value);
        }

        private void Reserve(int count)
        {
            if (GetStringBuilder().Length + count > MaxOutput)
            {
                throw TooLong();
            }
        }
    }
}

internal sealed class TemplateException(string message) : Exception(message);

/// <summary>Without what recurses, loads or is of no use in a short text.</summary>
internal sealed class LiquidParser : FluidParser
{
    private static readonly string[] Removed = ["capture", "cycle", "decrement", "ifchanged", "include", "render", "increment", "tablerow", "liquid", "echo"];

    public LiquidParser() : base(new FluidParserOptions())
    {
        foreach (var tag in Removed)
        {
            RegisteredTags.Remove(tag);
        }

        // Without groups and indexers, an expression is flat: its parser does not recurse.
        var path = Parlot.Fluent.Parsers.Separated(Dot, Identifier).Then<Expression>(static names => names switch
        {
            ["empty"] => EmptyKeyword,
            ["blank"] => BlankKeyword,
            ["nil" or "null"] => NilKeyword,
            ["true"] => TrueKeyword,
            ["false"] => FalseKeyword,
            _ => new MemberExpression([.. names.Select(name => new IdentifierSegment(name))]),
        });
        Primary.Parser = Parlot.Fluent.Parsers.OneOf(
            String.Then<Expression>(static text => new LiteralExpression(new StringValue(text.ToString()))),
            path,
            Number.Then<Expression>(static number => new LiteralExpression(NumberValue.Create(number))));
    }
}

/// <summary>Refuses what a template may not contain.</summary>
/// <exception cref="TemplateException">An unknown variable or filter, a range, a plural without <c>other</c>.</exception>
internal sealed class TemplateChecks(IEnumerable<string> variables, FilterCollection filters) : AstVisitor
{
    private readonly HashSet<string> _names = [.. variables];

    protected override Expression VisitMemberExpression(MemberExpression memberExpression)
    {
        var name = memberExpression.Segments[0] is IdentifierSegment segment ? segment.Identifier : "";
        return _names.Contains(name) ? memberExpression : throw new TemplateException(Localized.Format($"Unknown variable '{name}'."));
    }

    protected override Statement VisitAssignStatement(AssignStatement assignStatement)
    {
        var visited = base.VisitAssignStatement(assignStatement);
        _names.Add(assignStatement.Identifier);
        return visited;
    }

    protected override Statement VisitForStatement(ForStatement forStatement)
    {
        Visit(forStatement.Source);
        _names.UnionWith([forStatement.Identifier, "forloop", "parentloop"]);
        return base.VisitForStatement(forStatement);
    }

    protected override Expression VisitRangeExpression(RangeExpression rangeExpression) => throw new TemplateException(Localized.Text("Ranges are not supported."));

    protected override Expression VisitFilterExpression(FilterExpression filterExpression)
    {
        if (!filters.TryGetValue(filterExpression.Name, out _))
        {
            throw new TemplateException(Localized.Format($"Unknown filter '{filterExpression.Name}'."));
        }

        if (filterExpression.Name == "plural")
        {
            var forms = filterExpression.Parameters.Select(parameter => parameter.Name).ToList();
            if (!forms.Contains(PluralRules.Other) || forms.Exists(form => !PluralRules.Categories.Contains(form)))
            {
                throw new TemplateException(Localized.Format($"The filter 'plural' takes {string.Join(", ", PluralRules.Categories)}; '{PluralRules.Other}' is required."));
            }
        }

        return base.VisitFilterExpression(filterExpression);
    }
}
