using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Kashif.Reporting.Data;
using Kashif.Reporting.Photos;
using Kashif.Security;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using static Kashif.Reporting.Tests.ReportingClient;

namespace Kashif.Reporting.Tests;

/// <summary>Photos of reports: what comes in, who sees them, and that nothing but pixels comes through.</summary>
public sealed class PhotoTests(ReportingService service)
{
    public static TheoryData<string> Formats => ["image/jpeg", "image/png", "image/webp"];

    [Theory]
    [MemberData(nameof(Formats))]
    public async Task A_photo_keeps_its_pixels_and_loses_its_metadata(string type)
    {
        using var owner = service.Citizen(out _);
        var report = (await owner.FileAsync()).Id;
        var upload = type switch
        {
            "image/jpeg" => Pictures.Jpeg(1500, 1000),
            "image/png" => Pictures.Png(1500, 1000),
            _ => Pictures.WebP(1500, 1000),
        };
        Pictures.Secrets.Any(secret => Has(upload, secret)).ShouldBeTrue();

        var (status, photo) = await owner.UploadAsync(report, upload, "image/x-any"); // the content decides

        status.ShouldBe(201, photo.ToString());
        photo.GetProperty("content_type").GetString().ShouldBe(type);
        (photo.GetProperty("width").GetInt32(), photo.GetProperty("height").GetInt32()).ShouldBe((1500, 1000));
        using var anyone = service.Host.Anonymous();
        foreach (var (size, width, expected) in new[] { ("original", 1500, type), ("medium", 1024, "image/jpeg"), ("thumb", 256, "image/jpeg") })
        {
            using var response = await anyone.GetAsync($"{photo.GetProperty("url").GetString()}?size={size}", Cancelled);
            response.StatusCode.ShouldBe(HttpStatusCode.OK);
            response.Content.Headers.ContentType?.MediaType.ShouldBe(expected);
            response.Headers.GetValues("X-Content-Type-Options").ShouldBe(["nosniff"]);
            response.Content.Headers.ContentDisposition?.DispositionType.ShouldBe("inline");
            response.Headers.CacheControl?.Public.ShouldBeTrue();
            response.Headers.CacheControl?.SharedMaxAge.ShouldNotBeNull().ShouldBeLessThanOrEqualTo(TimeSpan.FromMinutes(1)); // a photo can be hidden
            var picture = await response.Content.ReadAsByteArrayAsync(Cancelled);
            response.Content.Headers.ContentLength.ShouldBe(picture.Length);

            var (actual, _, fields) = Pictures.Read(picture);
            actual.ShouldBe(width);
            Pictures.At(picture, 0.2, 0.2).IsBlue.ShouldBeTrue();
            Pictures.At(picture, 0.8, 0.8).IsRed.ShouldBeTrue();
            fields.Where(field => field.StartsWith("exif", StringComparison.Ordinal) || field.Contains("xmp") || field.Contains("iptc") || field.Contains("comment") || field.Contains("icc")).ShouldBeEmpty();
            Pictures.Secrets.Where(secret => Has(picture, secret)).ShouldBeEmpty();

            using var again = new HttpRequestMessage(HttpMethod.Get, $"{photo.GetProperty("url").GetString()}?size={size}");
            again.Headers.IfNoneMatch.Add(response.Headers.ETag.ShouldNotBeNull());
            using var unchanged = await anyone.SendAsync(again, Cancelled);
            unchanged.StatusCode.ShouldBe(HttpStatusCode.NotModified);
        }

        var id = photo.Id;
        var stored = await service.QueryAsync(database => database.Set<PhotoChunk>().Where(chunk => chunk.PhotoId == id).ToListAsync(Cancelled));
        stored.Select(chunk => chunk.Size).Distinct().Count().ShouldBe(3);
        Pictures.Secrets.Where(secret => stored.Exists(chunk => Has(chunk.Bytes, secret))).ShouldBeEmpty();
    }

    [Theory]
    [InlineData(3, 0.8, 0.8)]
    [InlineData(6, 0.8, 0.2)]
    [InlineData(8, 0.2, 0.8)]
    public async Task A_photo_is_turned_upright(int orientation, double blueX, double blueY)
    {
        using var owner = service.Citizen(out _);
        var report = (await owner.FileAsync()).Id;

        var (_, photo) = await owner.UploadAsync(report, Pictures.Jpeg(300, 200, orientation), "image/jpeg");

        foreach (var size in new[] { "original", "thumb" })
        {
            var picture = await owner.GetByteArrayAsync($"{photo.GetProperty("url").GetString()}?size={size}", Cancelled);
            var (width, height, _) = Pictures.Read(picture);
            (width > height).ShouldBe(orientation == 3);
            Pictures.At(picture, blueX, blueY).IsBlue.ShouldBeTrue();
        }

        (photo.GetProperty("width").GetInt32(), photo.GetProperty("height").GetInt32()).ShouldBe(orientation == 3 ? (300, 200) : (200, 300));
    }

    public static TheoryData<string> TwoTypes => [.. Polyglots.All.Keys];

    [Theory]
    [MemberData(nameof(TwoTypes))]
    public async Task A_file_of_two_types_is_refused(string name)
    {
        using var owner = service.Citizen(out _);
        var report = (await owner.FileAsync()).Id;

        var (status, problem) = await owner.UploadAsync(report, Polyglots.All[name], "image/png");

        (status, problem.Code).ShouldBe((422, "invalid_photo"), problem.ToString());
        problem.GetProperty("detail").GetString().ShouldNotBeNull().ShouldStartWith("The file holds another file");
    }

    [Fact]
    public void A_tag_is_found_at_each_position()
    {
        for (var position = 0; position < 9000; position++)
        {
            byte[] photo = [0xff, 0xd8, 0xff, 0xd9, 1, .. new byte[position], .. "<!Doctype HTML>"u8, .. new byte[20]];

            SecondFile.IsIn(photo, PhotoFormat.Jpeg).ShouldBeTrue($"{position}");
        }
    }

    public static TheoryData<string> PhonePhotos => [.. Polyglots.Phones.Keys];

    [Theory]
    [MemberData(nameof(PhonePhotos))]
    public async Task What_phones_append_to_a_photo_is_dropped(string name)
    {
        using var owner = service.Citizen(out _);
        var report = (await owner.FileAsync()).Id;

        var (status, photo) = await owner.UploadAsync(report, Polyglots.Phones[name], "image/jpeg");

        status.ShouldBe(201, photo.ToString());
        var kept = await owner.GetByteArrayAsync(photo.GetProperty("url").GetString(), Cancelled);
        Pictures.At(kept, 0.2, 0.2).IsBlue.ShouldBeTrue();
        Has(kept, "ftyp").ShouldBeFalse();
        Has(kept, "SEFT").ShouldBeFalse();
    }

    [Fact]
    public async Task Of_an_animation_the_first_picture_stays()
    {
        using var owner = service.Citizen(out _);
        var report = (await owner.FileAsync()).Id;

        var (status, photo) = await owner.UploadAsync(report, Pictures.Animation(), "image/webp");

        status.ShouldBe(201, photo.ToString());
        photo.GetProperty("height").GetInt32().ShouldBe(200);
        Pictures.At(await owner.GetByteArrayAsync(photo.GetProperty("url").GetString(), Cancelled), 0.8, 0.8).IsRed.ShouldBeTrue();
    }

    [Fact]
    public async Task A_file_that_is_no_photo_is_refused()
    {
        using var owner = service.Citizen(out _);
        var report = (await owner.FileAsync()).Id;
        var jpeg = Pictures.Jpeg(1500, 1000);
        (string Name, byte[] File)[] files =
        [
            ("empty", []), ("text", "not a photo"u8.ToArray()), ("GIF", "GIF89a\u0001\u0000\u0001\u0000"u8.ToArray()), ("SVG", "<svg xmlns='http://www.w3.org/2000/svg'/>"u8.ToArray()),
            ("truncated JPEG", jpeg[..(jpeg.Length / 2)]), ("truncated PNG", Pictures.Png()[..^200]), ("only a signature", [0x89, .. "PNG\r\n\u001a\n"u8]), ("only the start of a JPEG", [0xff, 0xd8, 0xff, 0xe0]),
            ("bomb of 90 million pixels", Pictures.Bomb(9_500, 9_500)), ("one line of 40,000 pixels", Pictures.Bomb(40_000, 1)),
        ];
        foreach (var (name, file) in files)
        {
            var (status, problem) = await owner.UploadAsync(report, file, "image/jpeg");
            (status, problem.Code).ShouldBe((422, "invalid_photo"), name);
        }

        (await owner.ReadAsync($"{Root}/{report}/photos")).Body.GetProperty("items").GetArrayLength().ShouldBe(0);
        (await owner.UploadAsync(report, jpeg, "image/jpeg")).Status.ShouldBe(201);
    }

    [Fact]
    public async Task A_photo_may_come_in_a_form()
    {
        using var owner = service.Citizen(out _);
        var report = (await owner.FileAsync()).Id;
        var path = $"{Root}/{report}/photos";

        using var form = new MultipartFormDataContent { { new StringContent("a note"), "note" }, { new ByteArrayContent(Pictures.Png()), "photo", "../../etc/passwd" } };
        using var created = await owner.PostAsync(path, form, Cancelled);
        created.StatusCode.ShouldBe(HttpStatusCode.Created);
        created.Headers.Location?.OriginalString.ShouldBe((await created.JsonAsync()).GetProperty("url").GetString());

        using var other = new MultipartFormDataContent { { new ByteArrayContent(Pictures.Png()), "picture", "a.png" } };
        using var missing = await owner.PostAsync(path, other, Cancelled);
        (await missing.JsonAsync()).BadFields.ShouldBe(["photo"]);

        using var cut = new ByteArrayContent("--x\r\nContent-Disposition: form-data; name=\"photo\"\r\n\r\nabc"u8.ToArray());
        cut.Headers.ContentType = MediaTypeHeaderValue.Parse("multipart/form-data; boundary=x");
        using var damaged = await owner.PostAsync(path, cut, Cancelled);
        damaged.StatusCode.ShouldBe(HttpStatusCode.BadRequest);

        (await owner.UploadAsync(report, "{}"u8.ToArray(), "application/json")).Status.ShouldBe(415);
        (await owner.UploadAsync(report, "a=b"u8.ToArray(), null)).Status.ShouldBe(415);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Ten_megabytes_pass_and_one_byte_more_does_not(bool isForm)
    {
        using var owner = service.Citizen(out _);
        var report = (await owner.FileAsync()).Id;
        var picture = Pictures.Jpeg();
        foreach (var (length, expected) in new[] { (PhotoUploads.MaxBytes, 201), (PhotoUploads.MaxBytes + 1, 413) })
        {
            var file = new byte[length];
            picture.CopyTo(file, 0);
            using HttpContent content = isForm ? new MultipartFormDataContent { { new ByteArrayContent(file), "photo", "a.jpg" } } : new ByteArrayContent(file);
            content.Headers.ContentType ??= new MediaTypeHeaderValue("image/jpeg");
            using var response = await owner.PostAsync($"{Root}/{report}/photos", content, Cancelled);
            ((int)response.StatusCode).ShouldBe(expected, $"{length}");
        }
    }

    [Fact]
    public async Task A_report_has_ten_photos_at_most_also_when_they_come_at_once()
    {
        using var owner = service.Citizen(out var user);
        var report = (await owner.FileAsync()).Id;
        var byteLong = new ProcessedPhoto(PhotoFormat.Png, 1, 1, new byte[1], new byte[1], new byte[1]);
        var photos = Enumerable.Range(0, 13).Select(_ => Photo.Create(user, byteLong, TimeProvider.System.GetUtcNow())).ToList();
        await service.QueryAsync(database =>
        {
            database.Photos.AddRange(photos);
            return database.SaveChangesAsync(Cancelled);
        });

        var errors = await Task.WhenAll(photos.Select(AttachAsync));

        errors.Count(error => error is null).ShouldBe(10);
        errors.OfType<string>().Distinct().ShouldBe(["too_many_photos"]);
        (await owner.UploadAsync(report, Pictures.Png(), "image/png")).Body.Code.ShouldBe("too_many_photos");
        (await owner.ReadAsync($"{Root}/{report}")).Body.GetProperty("photos").GetInt32().ShouldBe(10);
        (await owner.ReadAsync($"{Root}/{report}/photos")).Body.GetProperty("items").GetArrayLength().ShouldBe(10);

        async Task<string?> AttachAsync(Photo photo)
        {
            await using var scope = service.Host.Services.CreateAsyncScope();
            await using var transaction = await scope.ServiceProvider.GetRequiredService<ReportingDbContext>().Database.BeginTransactionAsync(Cancelled);
            var error = await scope.ServiceProvider.GetRequiredService<PhotoUploads>().AttachAsync(photo, report, Cancelled);
            if (error is null)
            {
                await transaction.CommitAsync(Cancelled);
            }

            return error?.Code;
        }
    }

    [Fact]
    public async Task A_key_makes_an_upload_safe_to_repeat()
    {
        using var owner = service.Citizen(out _);
        var report = (await owner.FileAsync()).Id;
        var picture = Pictures.Png();
        var first = await owner.UploadAsync(report, picture, form: true, key: "once");
        var again = await owner.UploadAsync(report, picture, form: true, key: "once"); // with another boundary
        var other = await owner.UploadAsync(report, Pictures.Jpeg(), form: true, key: "once");

        first.Status.ShouldBe(201, first.Body.ToString());
        again.Body.ToString().ShouldBe(first.Body.ToString());
        other.Body.Code.ShouldBe("idempotency_key_reused");
        (await owner.ReadAsync($"{Root}/{report}")).Body.GetProperty("photos").GetInt32().ShouldBe(1);
    }

    [Fact]
    public async Task Only_the_owner_and_staff_add_photos_and_only_they_see_those_of_a_private_report()
    {
        using var owner = service.Citizen(out _);
        using var filed = await owner.PostReportAsync(new { title = "At my door", description = "", category = "noise", latitude = 11, longitude = 12, @private = true });
        var closed = (await filed.JsonAsync()).Id;
        var open = (await owner.FileAsync()).Id;
        using var stranger = service.Citizen(out _);
        using var anyone = service.Host.Anonymous();
        using var staff = service.NewUser(Roles.Staff);

        (await anyone.UploadAsync(open, Pictures.Png(), "image/png")).Status.ShouldBe(401);
        (await stranger.UploadAsync(open, Pictures.Png(), "image/png")).Status.ShouldBe(403);
        (await stranger.UploadAsync(closed, Pictures.Png(), "image/png")).Status.ShouldBe(404);
        (await staff.UploadAsync(open, Pictures.Png(), "image/png")).Status.ShouldBe(201);
        var (status, photo) = await owner.UploadAsync(closed, Pictures.Png(), "image/png");
        status.ShouldBe(201);

        foreach (var path in new[] { $"{Root}/{closed}/photos", photo.GetProperty("url").GetString(), $"{Root}/{open}/photos/{photo.Id}" })
        {
            (await stranger.ReadAsync(path ?? "")).Status.ShouldBe(404);
            (await anyone.ReadAsync(path ?? "")).Status.ShouldBe(404);
        }

        using var own = await owner.GetAsync(photo.GetProperty("url").GetString(), Cancelled);
        own.Headers.CacheControl?.Private.ShouldBeTrue();
        (await staff.ReadAsync($"{Root}/{closed}/photos")).Body.GetProperty("items").GetArrayLength().ShouldBe(1);
    }

    [Fact]
    public async Task A_hidden_photo_is_out_of_sight_and_not_counted()
    {
        using var owner = service.Citizen(out _);
        var report = (await owner.FileAsync()).Id;
        var (_, photo) = await owner.UploadAsync(report, Pictures.Png(), "image/png");
        var path = photo.GetProperty("url").GetString() ?? "";
        using var anyone = service.Host.Anonymous();
        using var moderator = service.NewUser(Roles.Moderator);
        using var staff = service.NewUser(Roles.Staff);

        using (var refused = await staff.PatchAsJsonAsync(path, new { hidden = true }, Cancelled))
        {
            refused.StatusCode.ShouldBe(HttpStatusCode.Forbidden);
        }

        foreach (var hidden in new[] { true, true, false })
        {
            using var changed = await moderator.PatchAsJsonAsync(path, new { hidden }, Cancelled);
            changed.StatusCode.ShouldBe(HttpStatusCode.OK);
            (await changed.JsonAsync()).GetProperty("hidden").GetBoolean().ShouldBe(hidden);
            using var seen = await anyone.GetAsync(path, Cancelled);
            seen.StatusCode.ShouldBe(hidden ? HttpStatusCode.NotFound : HttpStatusCode.OK);
            (await anyone.ReadAsync($"{Root}/{report}")).Body.GetProperty("photos").GetInt32().ShouldBe(hidden ? 0 : 1);
            (await anyone.ReadAsync($"{Root}/{report}/photos")).Body.GetProperty("items").GetArrayLength().ShouldBe(hidden ? 0 : 1);
            (await owner.ReadAsync($"{Root}/{report}/photos")).Body.GetProperty("items").GetArrayLength().ShouldBe(1);
            using var own = await owner.GetAsync(path, Cancelled);
            own.StatusCode.ShouldBe(HttpStatusCode.OK);
        }
    }

    [Fact]
    public async Task The_public_does_not_learn_who_uploaded_a_photo_of_an_anonymous_report()
    {
        using var owner = service.Citizen(out var user);
        using var filed = await owner.PostReportAsync(new { title = "Loud music", description = "", category = "noise", latitude = 11, longitude = 12, anonymous = true });
        var report = (await filed.JsonAsync()).Id;
        await owner.UploadAsync(report, Pictures.Png(), "image/png");

        using var anyone = service.Host.Anonymous();
        (await anyone.ReadAsync($"{Root}/{report}/photos")).Body.ToString().ShouldNotContain(user.ToString());
        (await owner.ReadAsync($"{Root}/{report}/photos")).Body.ToString().ShouldContain(user.ToString());
    }

    [Fact]
    public async Task The_owner_deletes_a_photo_while_the_report_is_submitted_and_its_files_go()
    {
        using var owner = service.Citizen(out _);
        var report = (await owner.FileAsync()).Id;
        var (_, first) = await owner.UploadAsync(report, Pictures.Png(), "image/png");
        var (_, second) = await owner.UploadAsync(report, Pictures.Png(), "image/png");
        using var stranger = service.Citizen(out _);
        using var staff = service.NewUser(Roles.Staff);

        (await stranger.DeletePhotoAsync(first)).ShouldBe(404);
        (await owner.DeletePhotoAsync(first)).ShouldBe(204);
        (await owner.DeletePhotoAsync(first)).ShouldBe(404);
        (await staff.ChangeStatusAsync(report, new { status = "verified" })).Status.ShouldBe(200);
        (await owner.DeletePhotoAsync(second)).ShouldBe(422);
        (await owner.ReadAsync($"{Root}/{report}")).Body.GetProperty("photos").GetInt32().ShouldBe(1);
        (await staff.DeletePhotoAsync(second)).ShouldBe(204);
        (await owner.ReadAsync($"{Root}/{report}")).Body.GetProperty("photos").GetInt32().ShouldBe(0);

        await SweepAsync();
        Guid[] ids = [first.Id, second.Id];
        (await service.QueryAsync(database => database.Set<PhotoChunk>().AnyAsync(chunk => ids.Contains(chunk.PhotoId), Cancelled))).ShouldBeFalse();
        (await service.QueryAsync(database => database.Photos.AnyAsync(photo => ids.Contains(photo.Id), Cancelled))).ShouldBeFalse();
    }

    [Fact]
    public async Task A_photo_whose_upload_never_ended_or_whose_report_is_gone_leaves_no_file()
    {
        using var owner = service.Citizen(out var user);
        var report = (await owner.FileAsync()).Id;
        var (_, kept) = await owner.UploadAsync((await owner.FileAsync()).Id, Pictures.Png(), "image/png");
        var (_, orphan) = await owner.UploadAsync(report, Pictures.Png(), "image/png");
        await using var scope = service.Host.Services.CreateAsyncScope();
        var uploads = scope.ServiceProvider.GetRequiredService<PhotoUploads>();
        var late = (await uploads.PrepareAsync(user, Pictures.Png(), Cancelled)).Photo.ShouldNotBeNull();
        var waiting = (await uploads.PrepareAsync(user, Pictures.Png(), Cancelled)).Photo.ShouldNotBeNull();
        await service.QueryAsync(database => database.Photos.Where(photo => photo.Id == late.Id)
            .ExecuteUpdateAsync(set => set.SetProperty(photo => photo.CreatedAt, photo => photo.CreatedAt.AddHours(-2)), Cancelled));
        await service.QueryAsync(database => database.Reports.Where(row => row.Id == report).ExecuteDeleteAsync(Cancelled));

        await SweepAsync();

        Guid[] all = [kept.Id, orphan.Id, late.Id, waiting.Id];
        Guid[] left = [kept.Id, waiting.Id];
        (await service.QueryAsync(database => database.Photos.Where(photo => all.Contains(photo.Id)).Select(photo => photo.Id).ToListAsync(Cancelled))).ShouldBe(left, ignoreOrder: true);
        (await service.QueryAsync(database => database.Set<PhotoChunk>().Where(chunk => all.Contains(chunk.PhotoId)).Select(chunk => chunk.PhotoId).Distinct().ToListAsync(Cancelled)))
            .ShouldBe(left, ignoreOrder: true);
        await Should.ThrowAsync<InvalidOperationException>(() => uploads.AttachAsync(late, kept.GetProperty("url").GetString() is { } url ? Guid.Parse(url.Split('/')[4]) : default, Cancelled));
    }

    [Fact]
    public async Task A_photo_longer_than_a_chunk_comes_back_whole()
    {
        var store = new DatabasePhotoStore(service.Host.Services.GetRequiredService<IServiceScopeFactory>());
        using var owner = service.Citizen(out _);
        var (_, photo) = await owner.UploadAsync((await owner.FileAsync()).Id, Pictures.Png(), "image/png");
        await store.DeleteAsync(photo.Id, Cancelled);
        foreach (var (size, length) in new[] { (PhotoSize.Original, (3 * DatabasePhotoStore.ChunkLength) + 7), (PhotoSize.Medium, DatabasePhotoStore.ChunkLength), (PhotoSize.Thumb, 1) })
        {
            var content = new byte[length];
            new Random(length).NextBytes(content);
            await store.PutAsync(photo.Id, size, PhotoFormat.Png, content, Cancelled);

            (await store.AllAsync(photo.Id, size)).ShouldBe(content);
        }

        await store.DeleteAsync(photo.Id, Cancelled);
        await Should.ThrowAsync<FileNotFoundException>(() => store.AllAsync(photo.Id, PhotoSize.Thumb));
    }

    private static bool Has(byte[] bytes, string text) => bytes.AsSpan().IndexOf(Encoding.UTF8.GetBytes(text)) >= 0;

    private Task SweepAsync() => service.Host.Services.GetRequiredService<PhotoSweeper>().RunOnceAsync(Cancelled);
}

internal static class PhotoClient
{
    extension(HttpClient client)
    {
        public async Task<(int Status, JsonElement Body)> UploadAsync(Guid report, byte[] file, string? type = "image/jpeg", bool form = false, string? key = null)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, $"{Root}/{report}/photos");
            if (form)
            {
                request.Content = new MultipartFormDataContent { { new ByteArrayContent(file), "photo", "photo.jpg" } };
            }
            else
            {
                request.Content = new ByteArrayContent(file);
                request.Content.Headers.ContentType = type is null ? null : new MediaTypeHeaderValue(type);
            }

            if (key is not null)
            {
                request.Headers.Add("Idempotency-Key", key);
            }

            using var response = await client.SendAsync(request, Cancelled);
            return ((int)response.StatusCode, await response.JsonAsync());
        }

        public async Task<int> DeletePhotoAsync(JsonElement photo)
        {
            using var response = await client.DeleteAsync(photo.GetProperty("url").GetString(), Cancelled);
            return (int)response.StatusCode;
        }
    }

    public static async Task<byte[]> AllAsync(this IPhotoStore store, Guid photo, PhotoSize size)
    {
        using var all = new MemoryStream();
        await foreach (var piece in store.ReadAsync(photo, size, Cancelled))
        {
            all.Write(piece.Span);
        }

        return all.ToArray();
    }
}
