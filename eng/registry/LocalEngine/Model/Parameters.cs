// Stand-in for Aspire.Hosting (see README.md): parameters and how their defaults are made.
// Left out: prompting for a missing value (the engine has no one to ask) and manifests.

using System.Security.Cryptography;

namespace Aspire.Hosting
{
    public class MissingParameterValueException(string message) : DistributedApplicationException(message);
}

namespace Aspire.Hosting.ApplicationModel
{
    public class ParameterResource : Resource, IManifestExpressionProvider, IValueProvider
    {
        private readonly Lazy<string> _value;

        public ParameterResource(string name, Func<ParameterDefault?, string> callback, bool secret = false) : base(name)
        {
            _value = new(() => callback(Default));
            Secret = secret;
        }

        public ParameterDefault? Default { get; set; }

        public bool Secret { get; }

        public string? Description { get; set; }

        public string ValueExpression => $"{{{Name}.value}}";

        public ValueTask<string?> GetValueAsync(CancellationToken cancellationToken) => new(_value.Value);
    }

    public abstract class ParameterDefault
    {
        public abstract string GetDefaultValue();
    }

    public sealed class GenerateParameterDefault : ParameterDefault
    {
        private const string LowerCharacters = "abcdefghjkmnpqrstuvwxyz";
        private const string UpperCharacters = "ABCDEFGHJKMNPQRSTUVWXYZ";
        private const string NumericCharacters = "0123456789";
        private const string SpecialCharacters = "-_.{}~()*+!";

        public int MinLength { get; set; } = 22;

        public bool Lower { get; set; } = true;

        public bool Upper { get; set; } = true;

        public bool Numeric { get; set; } = true;

        public bool Special { get; set; } = true;

        public int MinLower { get; set; }

        public int MinUpper { get; set; }

        public int MinNumeric { get; set; }

        public int MinSpecial { get; set; }

        public override string GetDefaultValue()
        {
            (bool Used, string Characters, int Min)[] groups =
            [
                (Lower, LowerCharacters, MinLower),
                (Upper, UpperCharacters, MinUpper),
                (Numeric, NumericCharacters, MinNumeric),
                (Special, SpecialCharacters, MinSpecial),
            ];
            var used = groups.Where(g => g.Used).ToList();
            var value = new List<char>();
            foreach (var group in used)
            {
                value.AddRange(RandomNumberGenerator.GetItems(group.Characters.AsSpan(), group.Min));
            }

            var all = string.Concat(used.Select(g => g.Characters));
            value.AddRange(RandomNumberGenerator.GetItems(all.AsSpan(), Math.Max(0, MinLength - value.Count)));
            var result = value.ToArray();
            RandomNumberGenerator.Shuffle<char>(result);
            return new string(result);
        }
    }

    /// <summary>Makes the value once and finds it again at the next start: what user secrets are in Aspire.</summary>
    internal sealed class PersistedParameterDefault(string name, ParameterDefault inner, Kashif.LocalEngine.SecretStore store) : ParameterDefault
    {
        public override string GetDefaultValue() => store.GetOrAdd($"Parameters:{name}", inner.GetDefaultValue);
    }
}
