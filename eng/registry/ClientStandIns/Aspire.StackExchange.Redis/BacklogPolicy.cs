// Stands in for a type of StackExchange.Redis 2.x and the option that takes it; the full registry never builds it. Left out: every
// policy but FailFast, which is the only one that 1.2.6 knows: a call without a connection fails at once.

namespace StackExchange.Redis;

public sealed class BacklogPolicy
{
    private BacklogPolicy()
    {
    }

    public static BacklogPolicy FailFast { get; } = new();
}

public static class ConfigurationOptionsExtensions
{
    extension(ConfigurationOptions options)
    {
        public BacklogPolicy BacklogPolicy
        {
            get => BacklogPolicy.FailFast;
            set => ArgumentNullException.ThrowIfNull(value);
        }
    }
}
