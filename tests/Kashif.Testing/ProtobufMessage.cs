using Google.Protobuf;

namespace Kashif.Testing;

/// <summary>A protobuf message read without its schema: fields by number.</summary>
internal sealed class ProtobufMessage
{
    private readonly List<(int Number, ByteString? Bytes, ulong Value)> _fields = [];

    public ProtobufMessage(ByteString bytes)
    {
        Bytes = bytes.Memory;
        using var input = bytes.CreateCodedInput();
        while (input.ReadTag() is not 0 and var tag)
        {
            var number = WireFormat.GetTagFieldNumber(tag);
            _fields.Add(WireFormat.GetTagWireType(tag) switch
            {
                WireFormat.WireType.LengthDelimited => (number, input.ReadBytes(), 0),
                WireFormat.WireType.Varint => (number, null, input.ReadUInt64()),
                WireFormat.WireType.Fixed64 => (number, null, input.ReadFixed64()),
                WireFormat.WireType.Fixed32 => (number, null, input.ReadFixed32()),
                var other => throw new InvalidDataException($"Wire type {other} is not in proto3."),
            });
        }
    }

    public ReadOnlyMemory<byte> Bytes { get; }

    public ulong? Value(int number) => _fields.Where(field => field.Number == number).Select(field => (ulong?)field.Value).LastOrDefault();

    public string Text(int number) => Field(number).ToStringUtf8();

    public string Hex(int number) => Convert.ToHexStringLower(Field(number).Span);

    public ProtobufMessage Message(int number) => new(Field(number));

    public IEnumerable<ProtobufMessage> Messages(int number) =>
        _fields.Where(field => field.Number == number).Select(field => new ProtobufMessage(field.Bytes ?? ByteString.Empty));

    private ByteString Field(int number) => _fields.LastOrDefault(field => field.Number == number).Bytes ?? ByteString.Empty;
}
