using Fluid;
using Fluid.Ast;
using Fluid.Values;
using Kashif.Localization;

namespace Kashif.Reporting.ResponseTemplates;

/// <summary>
/// The texts of response templates: Liquid (https://shopify.github.io/liquid/) with variables and nothing else, so that no text can exhaust the service.
/// </summary>
internal static class ResponseText
{
    private static readonly VariablesParser Parser = new();
    private static readonly TemplateOptions Options = new() { MaxSteps = 1000 };

    /// <summary>The variables, in the language of the text.</summary>
    public static IReadOnlyList<string> Variables { get; } = ["title", "category", "agency", "address"];

    /// <returns>What is wrong with the text; null if it is valid.</returns>
    public static string? Validate(string text)
    {
        if (!Parser.TryParse(text, out var template, out _))
        {
            return Invalid;
        }

        var checks = new Checks();
        checks.VisitTemplate(template);
        return checks.Unknown is null ? null : Localized.Format($"Unknown variable '{checks.Unknown}'. There are {string.Join(", ", Variables)}.");
    }

    /// <param name="text">A text that <see cref="Validate"/> has accepted.</param>
    /// <param name="values">By the names in <see cref="Variables"/>; null becomes nothing.</param>
    public static string Render(string text, IReadOnlyDictionary<string, string?> values)
    {
        var context = new TemplateContext(Options);
        foreach (var (name, value) in values)
        {
            context.SetValue(name, value is null ? NilValue.Instance : new StringValue(value));
        }

        return Parser.Parse(text).Render(context, NullEncoder.Default).Trim();
    }

    private static string Invalid => Localized.Format($"It is no valid template. Write a variable as {"{{ title }}"}; there are no tags and filters.");

    /// <summary>An expression is one name: the parser does not recurse.</summary>
    private sealed class VariablesParser : FluidParser
    {
        public VariablesParser() : base(new FluidParserOptions())
        {
            RegisteredTags.Clear();
            Primary.Parser = Identifier.Then<Expression>(static name => new MemberExpression(new IdentifierSegment(name)));
        }
    }

    private sealed class Checks : AstVisitor
    {
        /// <summary>The first name that is no variable, or a filter.</summary>
        public string? Unknown { get; private set; }

        protected override Expression VisitMemberExpression(MemberExpression memberExpression)
        {
            var name = memberExpression.Segments[0] is IdentifierSegment segment ? segment.Identifier : "";
            Unknown ??= Variables.Contains(name) ? null : name;
            return memberExpression;
        }

        protected override Expression VisitFilterExpression(FilterExpression filterExpression)
        {
            Unknown ??= filterExpression.Name;
            return filterExpression;
        }
    }
}
