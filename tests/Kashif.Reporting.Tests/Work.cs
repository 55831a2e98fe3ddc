using System.Net.Http.Json;
using System.Text.Json;
using Kashif.Reporting.Workforce;
using Kashif.Security;

namespace Kashif.Reporting.Tests;

/// <summary>Crews, vehicles and work orders for tests.</summary>
internal static class Work
{
    public static DateTimeOffset Tomorrow { get; } = new(TimeProvider.System.GetUtcNow().UtcDateTime.Date.AddDays(1).AddHours(8), TimeSpan.Zero);

    /// <summary>The slot of a visit, as its reader sends it back.</summary>
    public static object Slot(JsonElement visit) => new { starts_at = visit.GetProperty("starts_at"), ends_at = visit.GetProperty("ends_at") };

    extension(ReportingService service)
    {
        public async Task<Guid> CrewAsync(Guid? agency = null)
        {
            var crew = new Crew { Id = Guid.CreateVersion7(), Name = "Crew", AgencyId = agency };
            return await service.QueryAsync(async database =>
            {
                database.Crews.Add(crew);
                await database.SaveChangesAsync();
                return crew.Id;
            });
        }

        public async Task<Guid> VehicleAsync()
        {
            var vehicle = new Vehicle { Id = Guid.CreateVersion7(), Name = "Roller", Plate = Guid.CreateVersion7().ToString("N")[12..] };
            return await service.QueryAsync(async database =>
            {
                database.Vehicles.Add(vehicle);
                await database.SaveChangesAsync();
                return vehicle.Id;
            });
        }

        /// <summary>An appointment tomorrow that its reporter has not confirmed.</summary>
        public async Task<JsonElement> ProposedAsync(HttpClient staff, HttpClient reporter, object[]? alternatives = null)
        {
            var report = (await reporter.FileAsync()).Id;
            return await staff.VisitAsync((await staff.OrderAsync(await service.CrewAsync(), report)).Id, Tomorrow, report: report, alternatives: alternatives);
        }

        public async Task<(string? State, DateTimeOffset StartsAt)> VisitStateAsync(Guid visit)
        {
            using var staff = service.NewUser(Roles.Staff);
            var found = (await staff.ReadAsync($"{ReportingClient.Root}/visits/{visit}")).Body;
            return (found.GetProperty("state").GetString(), found.GetProperty("starts_at").GetDateTimeOffset());
        }

        /// <summary>An agency with one employee.</summary>
        public async Task<(Guid Agency, HttpClient Employee)> AgencyWithEmployeeAsync()
        {
            var agency = await service.AgencyAsync();
            return (agency, (await service.EmployAsync(agency)).Client);
        }
    }

    extension(HttpClient client)
    {
        public async Task<(int Status, JsonElement Body)> SendAsync(HttpMethod method, string path, object? body = null, string? ifMatch = null)
        {
            using var request = new HttpRequestMessage(method, $"{ReportingClient.Root}/{path}") { Content = body is null ? null : JsonContent.Create(body) };
            if (ifMatch is not null)
            {
                request.Headers.TryAddWithoutValidation("If-Match", ifMatch);
            }

            using var response = await client.SendAsync(request, ReportingClient.Cancelled);
            return ((int)response.StatusCode, response.Content.Headers.ContentLength == 0 ? default : await response.JsonAsync());
        }

        public async Task<JsonElement> CreatedAsync(string path, object body)
        {
            var (status, created) = await client.SendAsync(HttpMethod.Post, path, body);
            status.ShouldBe(201, created.ToString());
            return created;
        }

        public Task<JsonElement> OrderAsync(Guid? crew = null, params Guid[] reports) =>
            client.CreatedAsync("work-orders", new { title = "Fill the potholes", crew_id = crew, reports });

        public Task<JsonElement> VisitAsync(Guid order, DateTimeOffset starts, int hours = 2, Guid? report = null, object[]? alternatives = null, bool? confirmed = null) => client.CreatedAsync(
            "visits", new { work_order_id = order, starts_at = starts, ends_at = starts.AddHours(hours), report_id = report, alternatives, confirmed });
    }
}
