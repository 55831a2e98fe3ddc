using QRCoder;

namespace Kashif.Http;

/// <summary>QR codes.</summary>
public static class QrCode
{
    private const int PixelsPerModule = 6;

    /// <returns>A data URI with a PNG.</returns>
    public static string ToDataUri(string text)
    {
        using var generator = new QRCodeGenerator();
        using var data = generator.CreateQrCode(text, QRCodeGenerator.ECCLevel.M);
        using var code = new PngByteQRCode(data);
        return $"data:image/png;base64,{Convert.ToBase64String(code.GetGraphic(PixelsPerModule))}";
    }
}
