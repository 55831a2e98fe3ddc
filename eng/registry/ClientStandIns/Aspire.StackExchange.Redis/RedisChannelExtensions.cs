// Stands in for two members of StackExchange.Redis 2.x that 1.2.6 lacks; the full registry never builds it.

namespace StackExchange.Redis;

public static class RedisChannelExtensions
{
    extension(RedisChannel)
    {
        public static RedisChannel Literal(string value) => new(value, RedisChannel.PatternMode.Literal);

        public static RedisChannel Pattern(string value) => new(value, RedisChannel.PatternMode.Pattern);
    }
}
