using System.ComponentModel.DataAnnotations;
using System.Net;
using Kashif.Reporting.Photos;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using static Kashif.Reporting.Tests.ReportingClient;

namespace Kashif.Reporting.Tests;

/// <summary>Photos on a server that speaks S3.</summary>
[Collection(typeof(Alone))]
public sealed class PhotoStoreTests(ReportingService service)
{
    [Fact]
    public async Task Photos_live_on_an_S3_server()
    {
        await using var server = await S3Server.StartAsync();
        await using var host = await service.StartAnotherAsync(0, settings: server.Settings);
        using var owner = host.As(Guid.CreateVersion7());
        var report = (await owner.FileAsync()).Id;

        var (status, photo) = await owner.UploadAsync(report, Pictures.Jpeg(1500, 1000), "image/jpeg");

        status.ShouldBe(201, photo.ToString());
        server.Objects.Keys.ShouldBe([$"photos/{photo.Id}/original", $"photos/{photo.Id}/medium", $"photos/{photo.Id}/thumb"], ignoreOrder: true);
        server.Objects.Values.ShouldAllBe(file => file.Type == "image/jpeg");
        Pictures.Read(await owner.GetByteArrayAsync($"{photo.GetProperty("url").GetString()}?size=thumb", Cancelled)).Width.ShouldBe(256);
        (await owner.GetByteArrayAsync(photo.GetProperty("url").GetString(), Cancelled)).ShouldBe(server.Objects[$"photos/{photo.Id}/original"].Content);

        (await owner.DeletePhotoAsync(photo)).ShouldBe(204);
        await host.Services.GetRequiredService<PhotoSweeper>().RunOnceAsync(Cancelled);
        server.Objects.ShouldBeEmpty();

        await server.DisposeAsync();
        using var unavailable = await owner.PostAsync($"{Root}/{report}/photos", new ByteArrayContent(Pictures.Png()) { Headers = { ContentType = new("image/png") } }, Cancelled);
        unavailable.StatusCode.ShouldBe(HttpStatusCode.ServiceUnavailable);
        (await owner.ReadAsync($"{Root}/{report}")).Body.GetProperty("photos").GetInt32().ShouldBe(0);
    }

    [Fact]
    public async Task A_wrong_key_is_refused_and_a_missing_file_is_told_apart()
    {
        await using var server = await S3Server.StartAsync();
        using var store = Store(server, S3Server.SecretKey);
        using var wrong = Store(server, "another");
        var id = Guid.CreateVersion7();

        await Should.ThrowAsync<Amazon.S3.AmazonS3Exception>(() => wrong.PutAsync(id, PhotoSize.Thumb, PhotoFormat.Jpeg, new byte[] { 1 }, Cancelled));
        await Should.ThrowAsync<FileNotFoundException>(() => store.AllAsync(id, PhotoSize.Thumb));
        await store.DeleteAsync(id, Cancelled);
    }

    [Theory]
    [InlineData("Photos:Store", "disk", "Photos:Store")]
    [InlineData("Photos:S3:Endpoint", "s3.example.org", "Photos:S3:Endpoint")]
    [InlineData("Photos:S3:Bucket", "", "Photos:S3:Bucket")]
    [InlineData("Photos:S3:AccessKey", "", "Photos:S3:AccessKey")]
    [InlineData("Photos:S3:SecretKey", "", "Photos:S3:SecretKey")]
    [InlineData("Photos:S3:ForcePathStyle", "perhaps", "Photos:S3:ForcePathStyle")]
    public void A_wrong_setting_is_named(string name, string value, string named)
    {
        var options = new PhotoOptions { Store = "s3", S3 = new S3Options { Endpoint = "http://localhost:9000", Bucket = "b", AccessKey = "a", SecretKey = "s" } };
        var target = name.StartsWith("Photos:S3:", StringComparison.Ordinal) ? (object)options.S3 : options;
        target.GetType().GetProperty(name.Split(':')[^1]).ShouldNotBeNull().SetValue(target, value);

        var errors = new List<ValidationResult>();
        Validator.TryValidateObject(options, new ValidationContext(options), errors, validateAllProperties: true).ShouldBeFalse();
        errors.ShouldHaveSingleItem().ErrorMessage.ShouldNotBeNull().ShouldStartWith(named);
    }

    private static S3PhotoStore Store(S3Server server, string secret) => new(Options.Create(new PhotoOptions
    {
        Store = "s3",
        S3 = new S3Options { Endpoint = server.Address, Bucket = S3Server.Bucket, Region = S3Server.Region, AccessKey = S3Server.AccessKey, SecretKey = secret },
    }));
}
